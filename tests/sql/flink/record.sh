#!/usr/bin/env bash
# Asks real Flink for the rows of the golden cases and writes them to the .expected file beside each case.
#
#   record.sh                       all cases
#   record.sh window scalar/trim    the cases whose path below cases/ contains one of the words
#   record.sh --try FILE.sql        prints what Flink answers and writes nothing
#
# `scripts/install flink` downloads Flink at the first call (330 MB) into the cache; nothing outside the cache and cases/ is
# written. Flink runs inside one JVM of at most 1.2 GB that listens on a free loopback port and ends with the script.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cases="$(cd "$here/../cases" && pwd)"
# The folders of Flink's jars and of the compiled recorder. The version is the name of the folder around the jars.
paths="$("$here/../../../scripts/install" flink "$here/recorder")"
lib="$(sed -n 1p <<<"$paths")"
classes="$(sed -n 2p <<<"$paths")"
version="$(basename "$(dirname "$lib")")"

# Flink reaches into the JDK by reflection; these are the packages that its own start script opens.
opens=()
for package in lang net io nio lang.reflect text time util util.concurrent util.concurrent.atomic util.concurrent.locks; do
  opens+=(--add-opens "java.base/java.$package=ALL-UNNAMED")
done
opens+=(--add-opens java.base/sun.nio.ch=ALL-UNNAMED)

scratch="$(mktemp -d)"
java -Xmx1000m -XX:MaxMetaspaceSize=400m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dfile.encoding=UTF-8 -Duser.timezone=UTC \
  "-Dlog4j.configurationFile=$here/recorder/log4j2.properties" "-Drecorder.log=${RECORDER_LOG:-$scratch/flink.log}" \
  "${opens[@]}" -cp "$classes:$lib/*" Recorder "$version" "$cases" "$scratch" "$@" &
recorder=$!
trap 'kill "$recorder" 2>/dev/null || true; wait "$recorder" 2>/dev/null || true; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
status=0
wait "$recorder" || status=$?
exit "$status"
