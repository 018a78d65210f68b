#!/bin/sh
# Installs what the tests need and this machine lacks: a browser, PostgreSQL,
# tools that turn a PDF into a picture, that make hosts of namespaces, and that
# hold XML against its schema, and another MQTT broker with its clients.
# Debian packages only.
set -eu

need=""
want() { # want PACKAGE PROGRAM...: any one of the programs will do
	package=$1
	shift
	for program in "$@"; do
		if command -v "$program" >/dev/null 2>&1 || [ -x "$program" ]; then
			return
		fi
	done
	need="$need $package"
}

want chromium chromium
want postgresql initdb /usr/lib/postgresql/*/bin/initdb
want poppler-utils pdftoppm
want iproute2 ip /sbin/ip
want libxml2-utils xmllint
want mosquitto mosquitto /usr/sbin/mosquitto
want mosquitto-clients mosquitto_pub

[ -z "$need" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "the tests need these Debian packages, or their like:$need" >&2
	exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
	as_root="sudo"
fi
echo "installing$need"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086 # the list is words on purpose
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $need
