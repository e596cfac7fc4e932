#!/bin/bash
# Makes a fresh Debian ready: its packages and this checkout's Python environment. Does nothing the second time.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[2m…\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# What `lint` and the unit tests need; the lab needs the second list besides, and root.
packages=(python3 python3-venv ca-certificates)
lab_packages=(gcc libc6-dev libseccomp-dev pkg-config binutils clang-19 debootstrap iproute2 util-linux iptables kmod procps git chromium-headless-shell prometheus)

missing() { for p in "$@"; do dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || echo "$p"; done; }

wanted=("${packages[@]}")
if [ "${1:-}" = lab ]; then
  [ "$(id -u)" = 0 ] || die "the lab needs root (namespaces, mounts, cgroups): run it with sudo"
  [ "$(uname -s)" = Linux ] || die "the lab needs Linux, this is $(uname -s)"
  wanted+=("${lab_packages[@]}")
  command -v go >/dev/null || wanted+=(golang-go)
fi
need=()
# A Python of the user's own, on PATH and recent enough, stands in for Debian's.
for p in $(missing "${wanted[@]}"); do
  case $p in python3|python3-venv) python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && continue ;; esac
  need+=("$p")
done
if [ "${#need[@]}" -gt 0 ]; then
  [ "$(id -u)" = 0 ] || die "these packages are missing: apt-get install ${need[*]}"
  say "installing ${need[*]}"
  log=$(mktemp)
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${need[@]}"; } >"$log" 2>&1 \
    || { tail -5 "$log" >&2; die "apt-get could not install ${need[*]}; its log is $log"; }
  # The tests start a Prometheus of their own; that of the package shall not run, now or after a boot.
  case " ${need[*]} " in *" prometheus "*) { service prometheus stop; update-rc.d prometheus disable; } >>"$log" 2>&1 || true ;; esac
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "python3 is $(python3 -V); 3.11 or later is needed"

# One environment for every checkout with the same requirements and Python; `.venv` is a link to it.
python=$(python3 -c 'import sys; print(sys.executable)')
key=$(cat requirements-dev.lock <(echo "$python" "$(python3 -V)") | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cilium-live-migration
environment=$cache/python-$key
if [ ! -f "$environment/complete" ]; then
  mkdir -p "$cache"
  exec 9>"$environment.lock"
  flock 9
  if [ ! -f "$environment/complete" ]; then
    say "making the Python environment"
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
    touch "$environment/complete"
  fi
  exec 9>&-
fi
if [ "$(readlink .venv 2>/dev/null)" != "$environment" ]; then
  rm -rf .venv
  ln -s "$environment" .venv
fi
