#!/bin/sh
# The deployment, in the image: our own programs to their place, the stages in their order, staging becomes current.
set -e
own=/opt/elasticbeanstalk/ashore
mkdir -p "$own" /opt/elasticbeanstalk/bin
cp -R /var/app/staging/.ashore/own/. "$own/"
rm -rf /var/app/staging/.ashore
mv "$own/get-config" /opt/elasticbeanstalk/bin/get-config
chmod 755 /opt/elasticbeanstalk/bin/get-config
for stage in prebuild install build container_commands predeploy; do
  /bin/sh "$own/$stage.sh" || {
    echo "[ERROR] deployment stage $stage failed"
    exit 1
  }
done
mv /var/app/staging /var/app/current
