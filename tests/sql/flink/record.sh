#!/usr/bin/env bash
# Asks real Flink for the rows of the golden cases and writes them to the .expected file beside each case.
#
#   record.sh                       all cases
#   record.sh window scalar/trim    the cases whose path below cases/ contains one of the words
#   record.sh --try FILE.sql        prints what Flink answers and writes nothing
#
# The first call downloads Flink from the Python package registry (330 MB) into the cache; nothing outside the cache and
# cases/ is written. Flink runs inside one JVM of at most 1.2 GB that listens on a free loopback port and ends with the script.
set -euo pipefail

FLINK_VERSION=2.3.0
WHEEL="apache_flink_libraries-$FLINK_VERSION-py2.py3-none-any.whl"
WHEEL_SHA256=38ece876553286b3a285cf344c2d2038f8a7ca10da5df54d5107250386d64151
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cases="$(cd "$here/../cases" && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/millstream/flink/$FLINK_VERSION"

die() { echo "record.sh: $*" >&2; exit 1; }

for tool in java javac; do
  command -v "$tool" >/dev/null || die "$tool is missing; on Debian: apt-get install openjdk-17-jdk-headless"
done
command -v python3 >/dev/null || die "python3 is missing; on Debian: apt-get install python3 python3-pip"

# Only the jars are kept: the wheel is as large again and serves no second purpose.
install_flink() {
  [ -f "$cache/lib/.complete" ] && return
  echo "downloading Flink $FLINK_VERSION (330 MB) into $cache" >&2
  mkdir -p "$cache/download"
  [ -f "$cache/download/$WHEEL" ] ||
    python3 -m pip download --quiet --retries 5 --no-deps "apache-flink-libraries==$FLINK_VERSION" --dest "$cache/download"
  echo "$WHEEL_SHA256  $cache/download/$WHEEL" | sha256sum --check --quiet || die "the download is damaged: remove $cache/download"
  python3 - "$cache/download/$WHEEL" "$cache/lib" <<'PY'
import os, shutil, sys, zipfile
wheel, lib = sys.argv[1:]
os.makedirs(lib, exist_ok=True)
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.startswith("pyflink/lib/") and name.endswith(".jar"):
            with archive.open(name) as source, open(os.path.join(lib, os.path.basename(name)), "wb") as target:
                shutil.copyfileobj(source, target)
PY
  touch "$cache/lib/.complete"
  rm -rf "$cache/download"
}

# The classes live in a folder named by the hash of their sources, so an edit can never run stale code.
compile_recorder() {
  local hash
  hash="$(cat "$here"/recorder/*.java | sha256sum | cut -c1-16)"
  classes="$cache/recorder-$hash"
  [ -d "$classes" ] && return
  rm -rf "$cache"/recorder-*
  javac -nowarn -proc:none -d "$classes.partial" -cp "$cache/lib/*" "$here"/recorder/*.java
  mv "$classes.partial" "$classes"
}

install_flink
compile_recorder

# Flink reaches into the JDK by reflection; these are the packages that its own start script opens.
opens=()
for package in lang net io nio lang.reflect text time util util.concurrent util.concurrent.atomic util.concurrent.locks; do
  opens+=(--add-opens "java.base/java.$package=ALL-UNNAMED")
done
opens+=(--add-opens java.base/sun.nio.ch=ALL-UNNAMED)

scratch="$(mktemp -d)"
java -Xmx1000m -XX:MaxMetaspaceSize=400m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dfile.encoding=UTF-8 -Duser.timezone=UTC \
  "-Dlog4j.configurationFile=$here/recorder/log4j2.properties" "-Drecorder.log=${RECORDER_LOG:-$scratch/flink.log}" \
  "${opens[@]}" -cp "$classes:$cache/lib/*" Recorder "$FLINK_VERSION" "$cases" "$scratch" "$@" &
recorder=$!
trap 'kill "$recorder" 2>/dev/null || true; wait "$recorder" 2>/dev/null || true; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
status=0
wait "$recorder" || status=$?
exit "$status"
