#!/bin/sh
# Makes sure that Apache Kafka's jars are there, and prints the directory that has them. They are fetched once, by Maven,
# into target/servers/kafka (or $1); whoever comes meanwhile waits. Exit code 3: Java or Maven is missing, as stderr says.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
into=${1:-$here/../../../target/servers/kafka}
for needed in java mvn flock; do
  if ! command -v "$needed" >/dev/null; then
    echo "Apache Kafka needs $needed: install Java 17 or later, Maven and util-linux (Debian: default-jre-headless maven)" >&2
    exit 3
  fi
done
mkdir -p "$into"
into=$(cd "$into" && pwd)
# The jars of one pom.xml stand in one directory, which gets its name when it is complete.
libs=$into/$(cksum <"$here/pom.xml" | cut -d ' ' -f 1)
if [ ! -d "$libs" ]; then
  exec 9>"$into/lock"
  flock 9
  if [ ! -d "$libs" ]; then
    echo "Fetching Apache Kafka ..." >&2
    rm -rf "$libs.part"
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$libs.part" >&2
    mv "$libs.part" "$libs"
  fi
fi
echo "$libs"
