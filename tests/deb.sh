#!/bin/sh
# `make deb`: what the package says, and the program and the Python package in it, unpacked and run from there. As root on
# a machine without mudot, it is installed and removed by dpkg as well.
# Usage: BUILD=build tests/deb.sh
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-build}
python=${PYTHON:-/usr/bin/python3}
cd "$root" || exit 1
if ! command -v dpkg-deb >/dev/null; then
  echo "dpkg-deb is not there: this is no Debian"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
passed=0
failed=0

# holds NAME COMMAND...: the command succeeds.
holds() {
  name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $name"
  else
    failed=$((failed + 1))
    echo "FAILED  $name"
    tail -n 10 "$work/log" | sed 's/^/        | /'
  fi
}

holds "make deb" make --no-print-directory deb BUILD="$build"
package=$(ls "$build"/mudot_*.deb)
holds "one package" test -s "$package"
version=$("$build/mudot" --version | sed 's/mudot //')
holds "of this version" test "$(dpkg-deb -f "$package" Version)" = "$version"
for needed in libpetsc libfftw3 libhdf5 libmuparser libyaml libgsl; do
  holds "depends on $needed" sh -c "dpkg-deb -f '$package' Depends | grep -q $needed"
done
holds "all of it is installed here, where it was built" sh -c "
  dpkg-deb -f '$package' Depends | tr , '\n' | while read -r name; do dpkg-query -W \"\$name\" || exit 1; done"
holds "it unpacks" dpkg-deb -x "$package" "$work/there"
there=$work/there/usr
for file in bin/mudot lib/libmudot.so include/mudot.h share/man/man1/mudot.1.gz share/man/man7/mudot-gallery.7.gz share/doc/mudot/copyright \
  share/zsh/vendor-completions/_mudot share/bash-completion/completions/mudot lib/python3/dist-packages/mudot/plot/__init__.py; do
  holds "has $file" test -s "$there/$file"
done
holds "nothing belongs to who built it" sh -c "! dpkg-deb -c '$package' | grep -v ' root/root '"
holds "nothing is named after where it was built" sh -c "! grep -rl '$work' '$there' && ! grep -l '$root' '$there'/lib/pkgconfig/mudot.pc"
cd "$work" || exit 1
holds "the program writes a case" sh -c "'$there/bin/mudot' new -dim 1 >new.yaml"
holds "and runs it" "$there/bin/mudot" run new.yaml -grid_cells 32 -output_directory new
holds "the Python package runs it" env PATH="$there/bin:$PATH" PYTHONPATH="$there/lib/python3/dist-packages" PYTHONDONTWRITEBYTECODE=1 \
  "$python" -c "import mudot; assert mudot.run(mudot.Case('new.yaml', grid={'cells': 32}), 'again', progress=False).status == 'done'"
holds "it can be installed" dpkg --dry-run -i "$root/$package"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
