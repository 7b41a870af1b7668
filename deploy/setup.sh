#!/usr/bin/env bash
# Installs what the build, the tests, the demo and the page need on Debian 12. Safe to run again: it installs only
# what is missing. Needs root, or sudo. CUDA is optional and never installed here; where a toolkit is found, it is used.
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache git bubblewrap pkg-config dpkg-dev ca-certificates curl python3
  libboost1.81-dev nlohmann-json3-dev libsqlite3-dev libssl-dev libzstd-dev zlib1g-dev
  libspdlog-dev libcli11-dev libvalijson-dev libsimdjson-dev libyaml-cpp-dev libre2-dev prometheus-cpp-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  clang-format clang-tidy clang libclang-rt-14-dev
  chromium
)
# What hosts of sm_121 are is built and run elsewhere, too.
[ "$(uname -m)" = aarch64 ] || packages+=(g++-aarch64-linux-gnu qemu-user-static)
# Debian's npm conflicts with a newer Node from elsewhere, which will do as well.
command -v npm >/dev/null || packages+=(nodejs npm)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
  echo "setup: everything is installed (${#packages[@]} packages)"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "setup: ${#missing[@]} packages are missing and this is neither root nor a machine with sudo." >&2
    echo "setup: as root, run: apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "setup: done"
