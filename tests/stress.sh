#!/bin/sh
# Random cases against what mudot promises of every flow (tests/stress.c), and the test of that test.
# Usage: BUILD=build COUNT=300 SEED=1 tests/stress.sh [check]
# Half of the cases each on two processes. What fails in its numerics must do so for a reason of the
# table in tests/stress.c, and for seed 1 no more often than tests/stress_stops.txt says, by reason,
# scheme, geometry and energy. With `check` also: a few cases on two and four ranks and with loaded
# operators and energies, every property falsified once, and what the command makes of a failing, a
# refused and a stopped case.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
case ${BUILD:=build} in /*) ;; *) BUILD=$root/$BUILD ;; esac
count=${COUNT:-300}
seed=${SEED:-1}
mpiexec=${MPIEXEC:-mpiexec}
python=${PYTHON:-/usr/bin/python3}
stress=$BUILD/tests/stress
mudot=$BUILD/mudot
work=$BUILD/stress
rm -rf "$work"
mkdir -p "$work"
failed=0

bad() {
  failed=$((failed + 1))
  echo "FAILED  $1"
}

# half NAME FIRST COUNT: in the background, with its log.
half() {
  "$stress" -seed "$seed" -first "$2" -count "$3" -stops "$work/$1.stops" -directory "$work" \
    >"$work/$1.log" 2>"$work/$1.err" &
}

first=$((count / 2))
half a 0 $first
a=$!
half b $first $((count - first))
b=$!
wait $a || bad "cases 0 to $((first - 1)) of seed $seed"
wait $b || bad "cases $first to $((count - 1)) of seed $seed"
cat "$work/a.log" "$work/b.log"

# What stops more often than it did; fewer is told, so that the list can be shortened.
cat "$work"/[ab].stops 2>/dev/null | sort | uniq -c | sed 's/^ *//; s/ /\t/' >"$work/stops.txt"
if [ "$seed" = 1 ] && [ "$count" -le 1000 ]; then
  awk -F'\t' 'NR == FNR { allowed[$2] = $1; next }
    $1 > allowed[$2] + 0 { print "  " $1 " and not at most " allowed[$2] + 0 ": " $2; bad = 1 }
    END { exit bad }' "$root/tests/stress_stops.txt" "$work/stops.txt" || bad "more cases stop than did"
fi

# one_line NAME STATUS FILE: the command ends with the status and one sentence.
one_line() {
  "$mudot" run "$3" -output_directory "$work/run" -output_overwrite >"$work/log" 2>"$work/err"
  got=$?
  [ $got = "$2" ] || bad "$1: exit status $got, not $2 ($3)"
  [ "$(grep -vc '^mudot: warning: ' "$work/err")" = 1 ] || bad "$1: not one sentence on stderr ($3)"
}

if [ "${1:-}" = check ]; then
  "$mpiexec" -n 2 "$stress" -seed "$seed" -first 100000 -count 36 -limit 300 -directory "$work" \
    >"$work/ranks.log" 2>"$work/ranks.err" || bad "two ranks"
  cat "$work/ranks.log"
  "$mpiexec" -n 4 "$stress" -seed "$seed" -first 101000 -count 8 -limit 300 -directory "$work" \
    >"$work/ranks.log" 2>"$work/ranks.err" || bad "four ranks"
  cat "$work/ranks.log"
  "$stress" -load "$BUILD/tests/congestion.so" -load "$BUILD/tests/saturation.so" -seed "$seed" \
    -first 102000 -count 40 -directory "$work" >"$work/load.log" 2>"$work/load.err" ||
    bad "loaded operators and energies"
  cat "$work/load.log"

  for property in finite positivity mass energy terms identity balance dual primal fenchel_young \
    ledger unconditional repeat restart sentence last_state numerics code; do
    broken=$work/broken-$property
    "$stress" -seed "$seed" -count 400 -break $property -directory "$broken" >"$work/broken.log" 2>/dev/null
    status=$?
    [ $status = 1 ] || bad "$property falsified: exit status $status, not 1"
    grep -q "breaks $property" "$work/broken.log" || bad "$property falsified: not reported"
    [ "$(ls "$broken"/fail-"$seed"-*.yaml 2>/dev/null | wc -l)" = 1 ] ||
      bad "$property falsified: no file of the case"
  done
  for file in "$work"/broken-mass/fail-*.yaml; do
    "$mudot" run "$file" -output_directory "$work/run" >"$work/log" 2>&1 ||
      bad "mudot run of a failing case: $(tail -n 1 "$work/log")"
    "$stress" -file "$file" -directory "$work" >"$work/log" 2>&1 || bad "a case that was falsified fails"
  done

  one_line "refused case" 2 "$work/refused-$seed.yaml"
  one_line "case whose numerics fail" 3 "$work/numerics-$seed.yaml"
  "$python" - "$work/run/run.h5" <<'CHECK' || bad "the last good state of a run that stopped"
import sys, h5py, numpy as np
run = h5py.File(sys.argv[1], "r")
status = run.attrs["status"]
status = status.decode() if isinstance(status, bytes) else str(status)
rho = run["density"][-1]
assert status.startswith("failed: "), status
assert np.isfinite(rho).all() and (rho >= 0).all() and rho.sum() > 0
CHECK
  one_line "case whose energy fails within Newton's method" 3 "$root/tests/stress_npmle.yaml"
  # the same on one rank and two
  for ranks in 1 2; do
    "$mpiexec" -n $ranks "$mudot" run "$root/tests/stress_kale.yaml" -output_directory "$work/kale-$ranks" \
      >"$work/log" 2>"$work/err" || bad "a very wide kernel on $ranks ranks: $(tail -n 1 "$work/err")"
  done
  "$python" - "$work/kale-1/run.h5" "$work/kale-2/run.h5" <<'CHECK' || bad "a very wide kernel on two ranks"
import sys, h5py, numpy as np
one, two = (h5py.File(name, "r")["density"][-1] for name in sys.argv[1:])
assert abs(one - two).sum() <= 1e-9 * abs(one).sum()
CHECK
fi

[ $failed = 0 ] && echo "stress: $count cases of seed $seed passed"
[ $failed = 0 ]
