#!/bin/sh
# /opt/elasticbeanstalk/bin/get-config environment [-k NAME] | optionsettings [-n NAMESPACE [-o OPTION]]
own=/opt/elasticbeanstalk/ashore/config
what=$1
[ $# -gt 0 ] && shift
key= namespace= option=
while [ $# -gt 0 ]; do
  case $1 in
    -k | --key) key=$2 ;;
    -n | --namespace) namespace=$2 ;;
    -o | --option-name) option=$2 ;;
    --output) [ "$2" = JSON ] || { echo "only JSON is put out" >&2; exit 1; } ;;
    *) echo "unknown argument $1" >&2; exit 1 ;;
  esac
  shift
  [ $# -gt 0 ] && shift
done
name() { printf 'k%s' "$1" | sed 's|%|%25|g; s|/|%2F|g'; }
case $what in
  environment) if [ -n "$key" ]; then path=environment/$(name "$key"); else path=environment.json; fi ;;
  optionsettings)
    if [ -n "$option" ]; then path=optionsettings/$(name "$namespace")/$(name "$option")
    elif [ -n "$namespace" ]; then path=optionsettings/$(name "$namespace").json
    else path=optionsettings.json
    fi
    ;;
  *) echo "usage: get-config environment [-k NAME] | optionsettings [-n NAMESPACE [-o OPTION]]" >&2; exit 1 ;;
esac
[ -f "$own/$path" ] || { echo "no such key" >&2; exit 1; }
cat "$own/$path"
