#!/usr/bin/env bash
# Makes the Dockerfile's base image out of Debian packages, for machines that reach no image registry: `make image-test`.
# It stands for python:3.13-slim (`python` and `pip` on the PATH), with the Python of the Debian release (3.11 or newer).
# Needs root and debootstrap. Where an image of that name is already there, nothing is done.
set -euo pipefail
image=${1:?the name of the image}
release=${2:-bookworm}
! docker image inspect "$image" >/dev/null 2>&1 || { echo "$image is there already"; exit 0; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$release" "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$root.log" 2>&1 ||
  { tail -n 20 "$root.log"; exit 1; }
rm -f "$root.log"
chroot "$root" python3 -m venv --copies /usr/local
# what this machine trusts, a proxy that signs for others included
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
tar -C "$root" -c . | docker import \
  --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' --change 'CMD ["python3"]' - "$image" >/dev/null
echo "made $image from Debian $release"
