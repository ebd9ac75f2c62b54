#!/bin/sh
# Runs the fuzz targets: every one first on what was found before (tests/fuzz/TARGET, one file per fault)
# and on its seeds, then for its share of SECONDS on new inputs, two at a time. What is found is kept
# in BUILD. Usage: tests/fuzz.sh BUILD SECONDS
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
seconds=$2
python=${PYTHON:-/usr/bin/python3}
targets="case problem pgm csv hdf5"
corpus=$build/corpus
mkdir -p "$corpus"
"$python" tests/fuzz-seeds.py "$corpus" || exit 1
for target in case problem; do
  mkdir -p "$corpus/$target"
  cp scripts/*.yaml "$corpus/$target/"
  for study in scripts/studies/*.yaml; do cp "$study" "$corpus/$target/study-$(basename "$study")"; done
  for domain in meshes/*.yaml; do cp "$domain" "$corpus/$target/domain-$(basename "$domain")"; done
done
cp meshes/*.pgm "$corpus/pgm/"
for table in scripts/*.csv; do { printf '\1'; head -n 20 "$table"; } >"$corpus/csv/$(basename "$table")"; done
share=$((seconds * 2 / $(echo $targets | wc -w)))
export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS=print_stacktrace=1

# A refusal of a problem need not free what it has: the program ends.
run() {
  log=$build/fuzz_$1.log
  leaks=1
  [ "$1" = problem ] && leaks=0
  set -- "$1" -timeout=20 -rss_limit_mb=3000 -detect_leaks=$leaks -artifact_prefix="$build/$1-" -verbosity=1
  known=$(find "tests/fuzz/$1" -type f 2>/dev/null)
  # shellcheck disable=SC2086
  { [ -z "$known" ] || "$build/tests/fuzz_$1" "$2" "$3" "$4" $known; } >"$log" 2>&1 &&
    "$build/tests/fuzz_$@" -max_total_time=$share -print_final_stats=1 "$corpus/$1" >>"$log" 2>&1
  status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  if [ $status = 0 ]; then
    echo "fuzz $1: ok, ${runs:-0} inputs in $share s, $(echo "$known" | grep -c .) old faults stay away"
  else
    echo "fuzz $1: FAILED, see $log"
    grep -E 'ERROR|SUMMARY|fuzz: |Test unit written|runtime error' "$log" | head -n 8
    echo "$1" >>"$build/failed"
  fi
}

rm -f "$build/failed"
pair=
for target in $targets; do
  run "$target" &
  if [ -n "$pair" ]; then
    wait
    pair=
  else
    pair=1
  fi
done
wait
rm -f /dev/shm/mudot-fuzz-*
[ ! -e "$build/failed" ]
