#!/bin/sh
# What `make install` leaves, as its user meets it: the program, the manual page, the completion, and a
# C program that is compiled with what pkg-config says and run on 1 and 2 ranks; a program that is made for another
# processor.
# Usage: BUILD=build tests/install.sh     (MPIEXEC overrides mpiexec, CC cc)
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
mpiexec=${MPIEXEC:-mpiexec}
build=${BUILD:-build}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
prefix=$work/prefix
passed=0
failed=0
skipped=0

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

holds "make install" make -C "$root" --no-print-directory install BUILD="$build" PREFIX="$prefix"
for file in bin/mudot lib/libmudot.a include/mudot/base.h lib/libmudot.so include/mudot.h lib/pkgconfig/mudot.pc share/man/man1/mudot.1 share/man/man7/mudot-studies.7 \
  share/bash-completion/completions/mudot share/zsh/site-functions/_mudot share/fish/vendor_completions.d/mudot.fish share/mudot/mudot.schema.json \
  share/doc/mudot/LICENSE share/doc/mudot/CITATION.cff; do
  holds "installed: $file" test -s "$prefix/$file"
done
holds "the Python package finds the program" sh -c "cd / && unset MUDOT && PYTHONPATH=\$(echo $prefix/lib/python3*/*-packages) \
  ${PYTHON:-/usr/bin/python3} -c 'import mudot, mudot.plot; assert mudot.program.find() == \"$prefix/bin/mudot\"'"
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
  "${CC:-cc}" -Wall -Wextra heat.c $(pkg-config --cflags --libs mudot) -o heat
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

# Extensions, compiled against the installed headers.
mudot=$prefix/bin/mudot
cp "$prefix"/share/doc/mudot/examples/* . || exit 1
holds "the extensions compile with the installed headers" make -s CC="${CC:-cc} -Werror" all
holds "a loaded energy runs" "$mudot" run congestion.yaml -load ./congestion.so -output_directory o1
holds "a loaded operator runs" "$mudot" run saturation.yaml -load ./saturation.so -output_directory o2
holds "on two ranks as well" "$mpiexec" -n 2 "$mudot" run saturation.yaml -load ./saturation.so -output_directory o3
holds "a loaded operator passes the checks" "$mudot" check geometry saturation -load ./saturation.so
holds "a loaded energy passes the checks" "$mudot" check energy congestion -load congestion.so
holds "the names are listed" sh -c "'$mudot' list -load ./congestion.so -load ./saturation.so >l && grep -q congestion l && grep -q saturation l"
holds "their page is written" "$mudot" report o1 -load ./congestion.so
holds "help knows them" sh -c "'$mudot' help energies -load ./congestion.so | tail -1 | grep -q congestion"
holds "help of a command as well" sh -c "'$mudot' help run -load ./congestion.so | grep -q '(congestion)'"

# The kernel is a sum of two Gaussians: the flow is that of the sum of their energies; between particles it is the wider one
# alone where that has all the weight. The column of the ledger is 1 - |rho - pi|/2 for two probabilities.
holds "a loaded kernel runs" "$mudot" run two_scales.yaml -load ./two_scales.so -output_directory k1
for ranks in 2 4; do
  holds "and on $ranks ranks" "$mpiexec" -n $ranks "$mudot" run two_scales.yaml -load ./two_scales.so -output_directory k$ranks
done
sed -e '/^kernel:/d' -e 's/{mmd: 1}/{mmd: [{weight: 0.18181818181818182, kernel: {type: gaussian, bandwidth: 0.3}}, {weight: 0.81818181818181818, kernel: {type: gaussian, bandwidth: 0.9}}]}/' two_scales.yaml >sum.yaml
holds "the sum of its Gaussians runs" "$mudot" run sum.yaml -output_directory k0
particles="particles two_scales.yaml -load ./two_scales.so -geometry_fisher_rao 0 -particles_method mmd_flow -particles_count 100"
# shellcheck disable=SC2086
{
  holds "particles have the kernel" "$mudot" $particles -kernel_share 1e12 -output_directory p1
  holds "and on two ranks" "$mpiexec" -n 2 "$mudot" $particles -kernel_share 1e12 -output_directory p2
}
sed -i 's/, share: 0.5, scale: 3//' two_scales.yaml
# shellcheck disable=SC2086
holds "they have the wider Gaussian" "$mudot" $particles -kernel_type gaussian -kernel_bandwidth 0.9 -output_directory p0
holds "a loaded diagnostic is a column" "$mudot" run congestion.yaml -load ./congestion.so -load ./overlap.so -output_diagnostics overlap,l1 -output_directory d1
for ranks in 2 4; do
  holds "and on $ranks ranks" "$mpiexec" -n $ranks "$mudot" run congestion.yaml -load ./congestion.so -load ./overlap.so -output_diagnostics overlap,l1 -output_directory d$ranks
done
holds "their numbers are right, on all ranks" "${PYTHON:-/usr/bin/python3}" -c '
import h5py, numpy
def last(directory, name="density", kind="run"):
    return h5py.File(f"{directory}/{kind}.h5")[name][()]
def near(a, b, tolerance):
    assert a.shape == b.shape and abs(a - b).max() <= tolerance * abs(b).max(), abs(a - b).max() / abs(b).max()
for other in "k0", "k2", "k4":
    near(last(other), last("k1"), 1e-12)
moved = last("p0", "position", "particles")
assert abs(moved[-1] - moved[0]).max() > 0.01
for other in "p1", "p2":
    near(last(other, "position", "particles"), moved, 1e-9)
for ranks in 1, 2, 4:
    overlap, l1 = (last(f"d{ranks}", f"ledger/{name}") for name in ("overlap", "l1"))
    near(overlap, 1 - l1 / 2, 1e-12)
    near(overlap, last("d1", "ledger/overlap"), 1e-12)'

# says STATUS WORDS COMMAND...: the command ends with the status and one sentence that has the words.
says() {
  status=$1 words=$2
  shift 2
  holds "refused: $words" sh -c '
    status=$1 words=$2; shift 2; "$@" >out 2>err; got=$?
    cat err; [ "$got" = "$status" ] && grep -qF "$words" err && [ "$(wc -l <err)" = 1 ]' sh "$status" "$words" "$@"
}
says 2 "there is no such key; \"mudot list keys\" has all, -load FILE adds" "$mudot" run congestion.yaml -output_directory o4
missing="o1/run.h5: is not read without -load ./congestion.so, which its run had (energy_congestion: there is no such key)"
says 4 "$missing" "$mudot" report o1
says 4 "$missing" "$mudot" sample o1 -n 3
says 4 "cannot be loaded" "$mudot" run congestion.yaml -load ./congestion.yaml
says 4 "cannot be read" "$mudot" run congestion.yaml -load ./nowhere.so
says 2 "needs the name of a shared object" "$mudot" run congestion.yaml -load
# shellcheck disable=SC2046
build() { "${CC:-cc}" -shared -fPIC $(pkg-config --cflags mudot) "$@"; }
echo 'int nothing;' >none.c
build none.c -o none.so
says 2 "is no extension of mudot" "$mudot" list -load ./none.so
sed 's/"congestion"/"kl"/' congestion.c >taken.c
build taken.c -o taken.so
says 2 "there is a kl already; take another name" "$mudot" list -load ./taken.so
{ cat congestion.c | sed 's/^MU_EXTENSION.*//'
  echo 'const int mudot_extension_version = 99; PetscErrorCode mudot_extension_start(void) { return start(); }'; } >old.c
build old.c -o old.so
says 2 "was built for version 99 of the interface" "$mudot" list -load ./old.so
sed 's/\.evaluate = evaluate,//' congestion.c >lacking.c
build lacking.c -o lacking.so
says 2 "has no evaluate, which is required" "$mudot" run congestion.yaml -load ./lacking.so -output_directory o5

# M(mu)/mu, by which steps go, contradicts the M(mu) of the ledger: nothing moves.
sed 's/"saturation"/"frozen"/; s|return 1 / (1 + mu / value\[0\]);|return 0 * (mu + value[0]);|' saturation.c >frozen.c
build frozen.c -o frozen.so
sed 's/saturation/frozen/' saturation.yaml >frozen.yaml
holds "a density that stands still is told" sh -c "'$mudot' run frozen.yaml -load ./frozen.so -output_directory o6 2>err && \
  [ \$(wc -l <err) = 1 ] && grep -q 'warning: the density stands still .*column dissipation_dual' err"
holds "one that moves is not" sh -c "'$mudot' run saturation.yaml -load ./saturation.so -output_directory o7 2>err && [ ! -s err ]"

# No processor has both AMD's fma4 and avx512: a program that uses both is told so.
instructions='-march=bdver4 -mavx512f'
if [ "$(uname -m)" = x86_64 ]; then
  cd "$root" || exit 1
  # shellcheck disable=SC2086
  holds "a table of instructions that no processor has" ${MPICC:-mpicc} -std=c11 -Isrc $instructions \
    $(pkg-config --cflags petsc) -c src/base/instructions.c -o "$work/instructions.o"
  holds "a program for that processor" "${MPICC:-mpicc}" "$build"/obj/command/*.o "$build"/obj/manual/*.o "$work/instructions.o" "$build/libmudot.a" \
    $(pkg-config --libs petsc fftw3 hdf5-openmpi muparser gsl yaml-0.1 zlib) -lhdf5_hl -llapack -lblas -lm -o "$work/other"
  "$work/other" --version >"$work/said" 2>&1
  holds "ends with 2" test $? = 2
  holds "says in one sentence why" sh -c "[ \$(wc -l <'$work/said') = 1 ] && grep -q '^mudot: .*processors with .*make install ARCH' '$work/said'"
else
  skipped=1
  echo "skipped a program for another processor: this is no x86-64"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
