#!/bin/sh
# What `make install` leaves, as its user meets it: the program, the manual page, the completion, and a
# C program that is compiled with what pkg-config says and run on 1 and 2 ranks.
# Usage: BUILD=build tests/install.sh     (MPIEXEC overrides mpiexec, CC cc)
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
mpiexec=${MPIEXEC:-mpiexec}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
prefix=$work/prefix
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

holds "make install" make -C "$root" --no-print-directory install BUILD="${BUILD:-build}" PREFIX="$prefix"
for file in bin/mudot lib/libmudot.a lib/libmudot.so include/mudot.h lib/pkgconfig/mudot.pc share/man/man1/mudot.1 \
  share/bash-completion/completions/mudot share/doc/mudot/LICENSE share/doc/mudot/CITATION.cff; do
  holds "installed: $file" test -s "$prefix/$file"
done
version=$("$prefix/bin/mudot" --version | sed 's/mudot //')
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
holds "pkg-config knows version $version" pkg-config --exact-version="$version" mudot
holds "the library bears its version" test -f "$prefix/lib/libmudot.so.$version"
holds "bash takes the completion" bash -c "source '$prefix/share/bash-completion/completions/mudot' && complete -p mudot"

# Six lines; dx = 1/200 lets the mode 1/2 exp(-pi^2 t) cos(pi x) decay at a rate too small by pi^4 dx^2/12 and
# dt = 1/1000 too large by pi^6 dt^2/12: at t = 0.1 the error is 0.1 (2.03e-4 - 0.80e-4) 1/2 exp(-pi^2 0.1) =
# 2.29e-6; the next order is allowed 5 %.
cat >"$work/right.awk" <<'AWK'
/^t = / { ++times; last = $NF + 0 }
END { exit !(times == 6 && last > 0.95 * 2.29e-6 && last < 1.05 * 2.29e-6) }
AWK
cd "$work" || exit 1
cp "$prefix/share/doc/mudot/examples/heat.c" . || exit 1
# shellcheck disable=SC2046
holds "the example compiles with pkg-config" \
  "${CC:-cc}" -Wall -Wextra heat.c $(pkg-config --cflags --libs mudot) -Wl,-rpath,"$prefix/lib" -o heat
holds "it asks for libmudot.so by the version of its interface" sh -c "ldd ./heat | grep -q 'libmudot.so.${version%.*} => $prefix/lib/'"
for ranks in 1 2; do
  holds "it runs on $ranks ranks" sh -c "'$mpiexec' -n $ranks ./heat >heat.$ranks"
  holds "its error is that of the scheme" awk -f right.awk "heat.$ranks"
done
holds "one rank and two print the same" cmp heat.1 heat.2
# shellcheck disable=SC2046
holds "the example links the static library" \
  "${CC:-cc}" heat.c $(pkg-config --static --cflags mudot) "$prefix/lib/libmudot.a" \
  $(pkg-config --static --libs mudot | sed 's/-lmudot//') -o heat-static
holds "it does without libmudot.so" sh -c "! ldd ./heat-static | grep libmudot && ./heat-static | cmp - heat.1"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
