# What the generated scripts of a deployment call. A step that fails ends the deployment, unless it says that it does not matter.

said() { echo "[INFO] $*"; }

# run_hook PATH FOLDER: a file of .platform. Platform versions of April 2022 and later give it its executable bit.
run_hook() {
  said "Running platform hook: $1"
  chmod +x "$2/$1" && (cd "$2" && exec "./$1")
}

# fetch URL FILE
fetch() {
  if command -v curl >/dev/null; then curl -fsSL -o "$2" "$1"
  elif command -v wget >/dev/null; then wget -q -O "$2" "$1"
  elif command -v python3 >/dev/null; then python3 -c 'import sys, urllib.request as r; r.urlretrieve(*sys.argv[1:])' "$1" "$2"
  else echo "[ERROR] nothing in the image can download $1"; return 1
  fi
}

# source_of FOLDER URL: an archive is downloaded and unpacked
source_of() {
  mkdir -p "$1" && fetch "$2" /tmp/ashore-source || return 1
  if tar -xf /tmp/ashore-source -C "$1" 2>/dev/null; then :
  elif command -v unzip >/dev/null; then unzip -q -o /tmp/ashore-source -d "$1"
  else python3 -m zipfile -e /tmp/ashore-source "$1"
  fi
  code=$?
  rm -f /tmp/ashore-source
  return $code
}

# package MANAGER NAME VERSION-OR-URL
package() {
  case $1 in
    yum | rpm)
      if command -v dnf >/dev/null; then dnf -y install "${3:-$2}"
      elif command -v yum >/dev/null; then yum -y install "${3:-$2}"
      else echo "[WARN] the base image has no yum: the package $2 is left out"
      fi
      ;;
    apt) apt-get update -q && apt-get install -y -q --no-install-recommends "$2${3:+=$3}" ;;
    python) python3 -m pip install "$2${3:+==$3}" ;;
    rubygems) gem install "$2" ${3:+-v "$3"} ;;
    *) echo "[ERROR] no such package manager: $1"; return 1 ;;
  esac
}

# group NAME ID
group() {
  if command -v groupadd >/dev/null; then groupadd ${2:+-g "$2"} "$1"; else addgroup ${2:+-g "$2"} "$1"; fi
}

# user NAME ID HOME GROUPS
user() {
  if command -v useradd >/dev/null; then
    useradd --system --shell /sbin/nologin ${2:+-u "$2"} ${3:+-d "$3"} ${4:+-G "$4"} "$1"
  else
    adduser -S -D -H -s /sbin/nologin ${2:+-u "$2"} ${3:+-h "$3"} "$1" || return 1
    for joined in $(echo "$4" | tr , ' '); do addgroup "$1" "$joined" || return 1; done
  fi
}
