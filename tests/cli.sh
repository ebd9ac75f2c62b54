#!/bin/sh
# The command line as a user meets it: exit statuses, one plain sentence per mistake, nothing
# overwritten, files as promised. One line per check; closes with totals.
# Usage: BUILD=build tests/cli.sh [SECTION...]     (MPIEXEC overrides mpiexec; all sections if none is named)
# Sections: input hostile commands runs samples studies particles killed; each can stand alone.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
case ${BUILD:=build} in /*) ;; *) BUILD=$root/$BUILD ;; esac
mudot=$BUILD/mudot
mpiexec=${MPIEXEC:-mpiexec}
python=${PYTHON:-/usr/bin/python3}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
cd "$work" || exit 1
export XDG_CACHE_HOME="${XDG_CACHE_HOME:-$work/.cache}"
passed=0
failed=0
skipped=0
sections=" ${*:-input hostile commands runs samples studies particles killed} "

# wants SECTION: whether it is to be run.
wants() {
  case $sections in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# skip NAME REASON
skip() {
  skipped=$((skipped + 1))
  echo "skipped $1: $2"
}

ok() {
  passed=$((passed + 1))
  echo "ok      $1"
}

bad() {
  failed=$((failed + 1))
  echo "FAILED  $1: $2"
  sed 's/^/        | /' err | head -n 5
}

# refused NAME STATUS WORDS ARGUMENTS...: the exit status, and on stderr exactly one line that begins
# with "mudot: " and holds every one of WORDS (separated by |), and no output directory.
refused() {
  name=$1 status=$2 words=$3
  shift 3
  rm -rf out
  "$mudot" "$@" >log 2>err
  got=$?
  if [ $got != "$status" ]; then
    bad "$name" "exit status $got, not $status"
  elif [ "$(wc -l <err)" != 1 ]; then
    bad "$name" "$(wc -l <err) lines on stderr, not 1"
  elif ! grep -q '^mudot: ' err; then
    bad "$name" "stderr does not begin with mudot:"
  elif [ -e out/run.h5 ] || [ -e out/ledger.csv ]; then
    bad "$name" "left results behind"
  else
    missing=$(echo "$words" | tr '|' '\n' | while read -r word; do
      grep -qF -e "$word" err || echo "$word"
    done)
    if [ -z "$missing" ]; then ok "$name"; else bad "$name" "does not say \"$missing\""; fi
  fi
}

# holds NAME COMMAND...: the command succeeds.
holds() {
  name=$1
  shift
  if "$@" >>log 2>err; then ok "$name"; else bad "$name" "$* failed"; fi
}

# works NAME ARGUMENTS...: exit status 0 and nothing on stderr (it is no terminal).
works() {
  name=$1
  shift
  "$mudot" "$@" >log 2>err
  got=$?
  if [ $got != 0 ]; then
    bad "$name" "exit status $got"
  elif [ -s err ]; then
    bad "$name" "something on stderr"
  else
    ok "$name"
  fi
}

# A Python that has loaded h5py and answers every line with the exit status of check.py in a fork of it.
cat >server.py <<'SERVER'
import csv, json, os, subprocess, sys, traceback
import h5py
import numpy as np
def open_run(directory):
    return h5py.File(directory + "/run.h5", "r")
for line in sys.stdin:
    child = os.fork()
    if not child:
        status = 1
        try:
            os.dup2(os.open("err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            os.dup2(os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
            exec(compile(open("check.py").read(), "check.py", "exec"), dict(globals()))
            status = 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    os.write(1, b"%d\n" % os.waitpid(child, 0)[1])
SERVER
mkfifo ask answer
"$python" server.py <ask >answer &
exec 3>ask 4<answer

# reads NAME PYTHON: the statements pass (h5py, numpy as np, open_run).
reads() {
  name=$1
  printf '%s\n' "$2" >check.py
  echo >&3
  got=none
  read -r got <&4
  if [ "$got" = 0 ]; then ok "$name"; else bad "$name" "$(tail -n 1 err)"; fi
}

cat >case.yaml <<'CASE'
grid:     {lower: [-6], upper: [6], cells: [64], boundary: no_flux}
target:   {type: mixture, weights: [0.5, 0.5], means: [-1.5, 1.5], covariances: [0.64, 0.64]}
initial:  {type: gaussian, mean: [2], covariance: [0.25]}
energy:   {kl: 1}
geometry: {wasserstein: 1}
time:     {end: 0.2, step: 0.01}
output:   {directory: out, every: 0.1}
CASE
cat >plane.yaml <<'CASE'
grid:     {lower: [0, 0], upper: [4, 2], cells: [16, 8], boundary: no_flux}
target:   {type: uniform}
initial:  {type: formula, density: "1 + 0.5*cos(x)"}
energy:   {kl: 1}
geometry: {wasserstein: 1}
time:     {end: 0.02, step: 0.01}
output:   {directory: out, every: 0.01}
CASE

printf 'P2\n2 2\n1\n1 1 1 1\n' >small.pgm
: >plain

if wants input; then
# ---------------------------------------------------------------------- keys and values

without() { grep -v "^$1:" case.yaml >without.yaml; }

refused "misspelt key" 2 "kernel_bandwith|the nearest is kernel_bandwidth" run case.yaml -kernel_bandwith 0.1
sed 's/lower: \[-6\], //' case.yaml >without.yaml
refused "missing grid_lower" 2 "grid_lower: is missing" run without.yaml
without initial
refused "missing initial" 2 "initial_type: is missing" run without.yaml
without time
refused "missing time" 2 "time_end: is missing" run without.yaml
without output
refused "missing output" 2 "output_directory: is missing" run without.yaml
without energy
refused "missing energy" 2 "energy" run without.yaml
without geometry
refused "missing geometry" 2 "geometry" run without.yaml
without target
refused "missing target" 2 "target" run without.yaml
refused "text for a number" 2 "time_end|\"soon\" is not a number" run case.yaml -time_end soon
refused "list for a number" 2 "time_end|\"1,2\"" run case.yaml -time_end 1,2
refused "three numbers for an axis" 2 "grid_lower|at most 2" run plane.yaml -grid_lower 0,0,0
refused "one number for two axes" 2 "grid_cells|2 are needed" run plane.yaml -grid_cells 16
refused "negative cells" 2 "grid_cells|\"-4\"" run case.yaml -grid_cells -4
refused "zero cells" 2 "grid_cells|\"0\"" run case.yaml -grid_cells 0
refused "fractional cells" 2 "grid_cells|\"6.5\" is not an integer" run case.yaml -grid_cells 6.5
refused "zero bandwidth" 2 "kernel_bandwidth|\"0\"" run case.yaml -kernel_bandwidth 0
refused "negative bandwidth" 2 "kernel_bandwidth|\"-1\"" run case.yaml -kernel_bandwidth -1
refused "more cells than an index can count" 2 "grid_cells|2000000000 cells are too many" run case.yaml -grid_cells 2000000000
refused "a step that never arrives" 2 "time_step|1e-300" run case.yaml -time_step 1e-300
sed 's/^time:.*/time: {end: 0.1, tolerance: 1e-6}/' case.yaml >tolerance.yaml
sed 's/^geometry:.*/geometry: {fisher_rao: 1}/' case.yaml >reaction.yaml
refused "a tolerance below rounding" 2 "time_tolerance: 1e-12 is not allowed without time_step|from 1e-11 to 0.1" run tolerance.yaml -time_tolerance 1e-12
refused "a tolerance of everything" 2 "time_tolerance: 0.5 is not allowed" run tolerance.yaml -time_tolerance 0.5
refused "extrapolation to a tolerance of everything" 2 "time_tolerance: 0.5" run case.yaml -time_scheme extrapolation -time_tolerance 0.5
refused "a verification without a tolerance" 2 "time_verify: implicit_euler has no tolerance" run case.yaml -time_verify
refused "a verification below rounding" 2 "time_verify: a tenth of time_tolerance 1e-11" run tolerance.yaml -time_tolerance 1e-11 -time_verify
works "a tolerance instead of a step, verified" run tolerance.yaml -time_verify -output_directory tolerance
holds "and the difference is below the estimate" \
  awk '/^time error/ { e = $3 } /^time verified/ { v = $3 } END { exit !(v > 0 && v < e) }' log
refused "extrapolation without transport" 2 "extrapolation needs a transport part" \
  run reaction.yaml -time_scheme extrapolation
refused "empty box" 2 "grid_upper|-6" run case.yaml -grid_upper -6
refused "unknown boundary" 2 "grid_boundary|\"open\"|no_flux|periodic" run case.yaml -grid_boundary open
refused "checkpoints at no interval" 2 "output_checkpoint|\"soon\"|10min" run case.yaml -output_checkpoint soon
refused "checkpoints every half step" 2 "output_checkpoint|\"0.5 steps\"" run case.yaml -output_checkpoint "0.5 steps"
refused "a limit of time in steps" 2 "time_wall_limit|\"5 steps\"" run case.yaml -time_wall_limit "5 steps"
refused "unknown energy" 2 "energy_kll|the nearest is energy_kl" run case.yaml -energy_kll 1
refused "unknown geometry" 2 "geometry_wassertein|geometry_wasserstein" run case.yaml -geometry_wassertein 1
refused "unknown kernel" 2 "gausian|gaussian" run case.yaml -geometry_kernel_fisher_rao 1 -kernel_type gausian -kernel_bandwidth 1
refused "unknown scheme" 2 "time_scheme|\"implicit_eulr\"|implicit_euler" run case.yaml -time_scheme implicit_eulr
refused "unknown diagnostic" 2 "output_diagnostics|\"kll\"" run case.yaml -output_diagnostics kl,kll
refused "diagnostic given twice" 2 "output_diagnostics|\"l1\" is given twice" run case.yaml -output_diagnostics l1,kl,l1
refused "unknown density type" 2 "target_type|\"gauss\"|gaussian" run case.yaml -target_type gauss
refused "key without value" 2 "time_end: has no value" run case.yaml -time_end
printf 'time: {end: 1}\ntime_end: 2\n' >twice.yaml
refused "key given twice" 2 "time_end: is given twice|line 2" run twice.yaml
printf 'grid:\n  lower: [0\n' >broken.yaml
refused "invalid YAML" 2 "broken.yaml, line|not valid YAML" run broken.yaml

# ---------------------------------------------------------------------- parts and terms as mappings

refused "a key that a part does not have" 2 "geometry_ridge_stein_rigde: there is no such key; the nearest is geometry_ridge_stein_ridge (command line)" \
  run case.yaml -geometry_ridge_stein_rigde 1
refused "a misspelt key of a second item" 2 "the nearest is geometry_stein_2_kernel_bandwidth" run case.yaml -geometry_stein_2_kernel_bandwith 1
refused "a kernel for a part without one" 2 "geometry_wasserstein_kernel_bandwidth|the nearest is geometry_wasserstein_weight" \
  run case.yaml -geometry_wasserstein_kernel_bandwidth 1
refused "a part without weight" 2 "geometry_ridge_stein_weight: is missing|ridge_stein needs a weight" run case.yaml -geometry_ridge_stein_ridge 1
refused "a second item without the first" 2 "geometry_stein_2: is given without geometry_stein" run case.yaml -geometry_stein_2 1
refused "a weight twice" 2 "geometry_wasserstein: is given twice" run case.yaml -geometry_wasserstein_weight 1 -geometry_wasserstein 1
refused "a ridge of its own out of range" 2 "geometry_ridge_stein_ridge: \"0\" is not allowed; ridge_stein takes a number above 0" \
  run case.yaml -geometry_ridge_stein 1 -geometry_ridge_stein_ridge 0 -kernel_bandwidth 1
refused "a ridge that is missing" 2 "geometry_ridge: is missing|ridge_stein" run case.yaml -geometry_ridge_stein 1 -kernel_bandwidth 1
refused "a formula that is missing" 2 "energy_potential_formula: is missing" run case.yaml -energy_potential 1
refused "a formula of a second item that does not parse" 2 "energy_potential_2_formula|sin(" \
  run case.yaml -energy_potential 1 -energy_potential_formula x -energy_potential_2 1 -energy_potential_2_formula "sin("
refused "a number of a part's own kernel out of range" 2 "geometry_stein_kernel_smoothness: is 7; matern needs a number from 0.5 to 2.5" \
  run case.yaml -geometry_stein 1 -geometry_stein_kernel_type matern -geometry_stein_kernel_smoothness 7 -kernel_bandwidth 1
refused "a kernel of its own without bandwidth" 2 "geometry_stein_kernel_bandwidth: is missing" run case.yaml -geometry_stein 1 -geometry_stein_kernel_type gaussian
refused "a kernel of its own that does not exist" 2 "gausian" run case.yaml -geometry_stein 1 -geometry_stein_kernel_type gausian -kernel_bandwidth 1
refused "a list of weights" 2 "geometry_stein: \"1,2\" is a list; one weight is wanted" run case.yaml -geometry_stein 1,2
mapping() { sed "s/^geometry:.*/geometry: $1/" case.yaml >mapping.yaml; }
mapping "{stein: [{weight: 1}, 2]}"
refused "a list of mappings and numbers" 2 "geometry_stein: a list may hold plain values or mappings, not both|line 5" run mapping.yaml
mapping "{stein: {weight: 1, kernel: {type: {a: 1}}}}"
refused "a mapping too deep" 2 "geometry_stein_kernel_type: keys are nested too deep|line 5" run mapping.yaml
mapping "{stein: {<<: 1}}"
refused "a merge key without a mapping" 2 "<<: a mapping is expected here|line 5" run mapping.yaml
mapping "{stein: *none}"
refused "an alias without an anchor" 2 "not valid YAML|alias" run mapping.yaml

# ---------------------------------------------------------------------- domain, densities

refused "mask that closes the domain" 2 "grid_mask|no cell" run plane.yaml -grid_mask_formula -1
refused "mask of the wrong shape" 2 "grid_mask|2 x 2|16 x 8" run plane.yaml -grid_mask small.pgm
refused "formula that does not parse" 2 "initial_density|sin(" run plane.yaml -initial_density "sin("
refused "formula that is not a number" 2 "initial_density|nan" run plane.yaml -initial_density "sqrt(x-1)"
refused "negative density" 2 "initial_density|-0.875" run plane.yaml -initial_density "x-1"
refused "target without mass" 2 "target|mass" run plane.yaml -target_type formula -target_density 0
refused "mass where the target vanishes" 2 "target" run plane.yaml -target_lower 0,0 -target_upper 1,1
refused "covariance that is not positive" 2 "target_covariance" run case.yaml -target_type gaussian -target_mean 0 -target_covariance -1
refused "mixture with a mean too few" 2 "target_" run case.yaml -target_means 1
refused "kernel that mmd cannot invert" 2 "condition number|geometry_ridge" run case.yaml -geometry_mmd 1 -kernel_type gaussian -kernel_bandwidth 2
refused "no kernel" 2 "kernel" run case.yaml -geometry_kernel_fisher_rao 1

# ---------------------------------------------------------------------- files

refused "no such case" 4 "absent.yaml" run absent.yaml
refused "a folder for a case" 4 "$work" run "$work"
refused "no such density file" 4 "target_file|absent.h5" run case.yaml -target_type file -target_file absent.h5 -target_dataset d
refused "no such mask" 4 "grid_mask|absent.pgm" run plane.yaml -grid_mask absent.pgm
refused "no such domain file" 4 "grid_file|absent.yaml" run plane.yaml -grid_file absent.yaml
"$python" -c 'import h5py, numpy; h5py.File("shape.h5", "w")["d"] = numpy.ones((3, 5))'
refused "density of the wrong shape" 2 "3|5|64" run case.yaml -target_type file -target_file shape.h5 -target_dataset d
refused "no such dataset" 4 "shape.h5|nothing" run case.yaml -target_type file -target_file shape.h5 -target_dataset nothing
echo "not an image" >bad.pgm
refused "image that is none" 4 "bad.pgm" run plane.yaml -grid_mask bad.pgm
refused "output below a plain file" 4 "output_directory|plain/out" run case.yaml -output_directory plain/out
refused "output in /proc" 4 "output_directory|/proc/none" run case.yaml -output_directory /proc/none
refused "output in /dev/full" 4 "output_directory|/dev/full" run case.yaml -output_directory /dev/full
fi

if wants hostile; then
# ---------------------------------------------------------------------- hostile input

refused "cells beyond any memory" 2 "grid_cells: 100000 x 100000 cells|3.2 TB of memory" run plane.yaml -grid_cells 100000,100000
refused "the largest number" 2 "grid_cells: 2147483647 cells|GB of memory" run case.yaml -grid_cells 2147483647
refused "a number beyond it" 2 "grid_cells|\"2147483648\" is not an integer" run case.yaml -grid_cells 2147483648
if [ -z "${ASAN_OPTIONS:-}" ]; then # the address sanitizer takes a large address space
  ( ulimit -v 4000000 && "$mudot" run case.yaml -grid_cells 100000000 ) >log 2>err
  got=$?
  if [ $got = 2 ] && grep -q "grid_cells: 100000000 cells need about 32 GB of memory; this machine has 4.1 GB" err; then
    ok "cells beyond the memory of this machine"
  else
    bad "cells beyond the memory of this machine" "exit status $got"
  fi
fi
for number in 1e999 nan inf 0x10; do
  refused "number $number" 2 "time_end|\"$number\" is not a number" run case.yaml -time_end $number
done
"$python" -c '
case = open("case.yaml").read()
def put(name, text): open(name, "wb").write(text if isinstance(text, bytes) else text.encode())
put("lists.yaml", "grid: " + "[" * 100000)
put("keys.yaml", "grid: " + "{a: " * 100000)
put("blocks.yaml", "\n".join(" " * i + "a:" for i in range(900)))
put("bomb.yaml", "a: &a [x, x]\n" + "".join(f"{c}: &{c} [{chr(ord(c) - 1)}, *{chr(ord(c) - 1)}]\n" for c in "bcdefghi"))
put("zero.yaml", b"grid: {lower: [0\0]}")
put("utf.yaml", b"grid: {lower: [\xff]}")
put("large.yaml", "#" * 2000000)
put("replace.yaml", case.replace("every: 0.1", "every: 0.1, overwrite: true"))
put("escape.yaml", case.replace("directory: out", "directory: \"out\\e[31m\""))
put("huge.pgm", b"P5 65535 1500 255\n")
put("overflow.pgm", b"P5 4294967297 4294967297 255\n")
put("zero.csv", b"1\n2\0\n")
put("line.csv", b"1" * 200000)
import h5py
with h5py.File("other.h5", "w") as f: f["d"] = [1.0] * 64
with h5py.File("outside.h5", "w") as f:
    f["link"] = h5py.ExternalLink("other.h5", "d")
    f["soft"] = h5py.SoftLink("/soft")
    f.create_dataset("raw", shape=(64,), dtype="f8", external=[("case.yaml", 0, 512)])
    layout = h5py.VirtualLayout(shape=(64,), dtype="f8")
    layout[:] = h5py.VirtualSource("other.h5", "d", shape=(64,))
    f.create_virtual_dataset("virtual", layout)
    f.create_dataset("huge", shape=(1 << 40, 1 << 40), dtype="f8", chunks=(1, 1))
    f["text"] = "a text"
'
refused "deeply nested lists" 2 "lists.yaml, line 1|nested too deep" run lists.yaml
refused "deeply nested keys" 2 "keys.yaml, line 1|nested too deep" run keys.yaml
refused "deeply nested blocks" 2 "blocks.yaml|nested too deep" run blocks.yaml
refused "aliases that multiply" 2 "bomb.yaml" run bomb.yaml
refused "a zero byte" 4 "zero.yaml is not a text file" run zero.yaml
refused "invalid UTF-8" 2 "utf.yaml, line 1|UTF-8" run utf.yaml
refused "a case of 2 MB" 2 "large.yaml has 2000000 bytes" run large.yaml
refused "a case that overwrites" 2 "output_overwrite|command line only" run replace.yaml
refused "a case that steers the terminal" 2 "output_directory|control character" run escape.yaml
refused "5000 characters of formula" 2 "initial_density|4000" run case.yaml -initial_type formula -initial_density "$(printf '%5000s' | tr ' ' 1)"
refused "a formula that assigns" 2 "initial_density|assignment" run case.yaml -initial_type formula -initial_density "x = 1"
refused "a formula with a text" 2 "initial_density" run case.yaml -initial_type formula -initial_density '"/etc/passwd"'
refused "an image larger than its file" 4 "huge.pgm|too short for an image of 65535 x 1500" run plane.yaml -grid_mask huge.pgm
refused "an image whose size overflows" 4 "overflow.pgm|header" run plane.yaml -grid_mask overflow.pgm
refused "points with a zero byte" 2 "zero.csv, line 2|zero byte" run case.yaml -target_type samples -target_file zero.csv
refused "a line without end" 2 "line.csv, line 1" run case.yaml -target_type samples -target_file line.csv
printf '1,83\n2,91\n3,55\n' >comma.csv
printf '1,83;0,5\n2,91;0,7\n3,55;0,1\n' >semicolon.csv
printf 'x\n1\n8\n9\n' >off.csv
refused "points with decimal commas" 2 "comma.csv|1 of numbers with decimal commas" run case.yaml -target_type samples -target_file comma.csv
"$mudot" run case.yaml -initial_type samples -initial_file semicolon.csv >log 2>err
if [ $? = 0 ] && grep -q "warning: .*_file: semicolon.csv is read with semicolons between its columns and decimal commas" err &&
  grep -q "warning: .*_columns: semicolon.csv has 2 columns, of which the first 1 are read" err; then
  ok "unless semicolons tell, which is told"
else
  bad "unless semicolons tell, which is told" "no warnings"
fi
rm -rf out
refused "an initial density off the grid" 2 "initial|% of the mass lies outside the grid" run case.yaml -initial_mean 9
refused "points off the grid" 2 "initial_samples: 2 of the 3 points lie outside the grid" run case.yaml -initial_type samples -initial_file off.csv
"$mudot" run case.yaml -grid_boundary periodic -energy_potential 1 -energy_potential_formula x >log 2>err
if [ $? = 0 ] && grep -q "warning: energy_potential_formula: is -6 at one end of the periodic axis x and 6 at the other" err; then
  ok "a potential that jumps across the seam is told"
else
  bad "a potential that jumps across the seam is told" "no warning"
fi
rm -rf out
for name in link raw virtual soft huge text; do
  refused "HDF5: $name" 4 "outside.h5|$name" run case.yaml -target_type file -target_file outside.h5 -target_dataset $name
done
mkfifo pipe
for file in pipe /dev/zero .; do
  refused "$file is no case" 4 "$file is not a regular file" run $file
  refused "$file is no domain" 4 "grid_file: $file is not a regular file" run case.yaml -grid_file $file
  refused "$file is no mask" 4 "$file is not a regular file" run plane.yaml -grid_mask $file
  refused "$file has no points" 4 "_file: $file is not a regular file" run case.yaml -target_type samples -target_file $file
  refused "$file has no dataset" 4 "target_file: $file is not a regular file" run case.yaml -target_type file -target_file $file -target_dataset d
done
echo "do not touch" >precious
mkdir links
for name in run.h5 run.h5.partial ledger.csv run.xdmf run.xdmf.partial; do ln -s ../precious links/$name; done
holds "results in place of links" "$mudot" run case.yaml -output_directory links -output_overwrite
holds "do not follow them" sh -c 'grep -q "do not touch" precious && [ ! -L links/run.h5 ] && [ ! -L links/ledger.csv ] && [ ! -L links/run.xdmf ]'
printf -- '-log_view :planted\n' >.petscrc
holds "options of PETSc that lie in the working directory" "$mudot" run case.yaml -output_directory rc
holds "are not read" test ! -e planted
rm .petscrc
fi

if wants commands; then
# ---------------------------------------------------------------------- commands

refused "no command" 2 "no command"
refused "unknown command" 2 "there is no command \"solve\"" solve case.yaml
refused "run without a case" 2 "no case file" run
refused "two cases" 2 "one case file|plane.yaml" run case.yaml plane.yaml
refused "unknown option" 2 "frobnicate|there is no such key" run case.yaml -frobnicate
refused "unknown table" 2 "kernel|the nearest is kernels" list kernel
refused "new: no such geometry" 2 "geometry|steen|the nearest is stein" new -geometry steen
refused "new: three axes" 2 "dim: 3 is not allowed" new -dim 3
works "new: a case" new -geometry ridge_stein -energy power -dim 2 -output new.yaml
works "new: it runs as it is" run new.yaml -time_end 0.02 -output_directory new
refused "new: nothing is overwritten" 2 "new.yaml is there already|-overwrite" new -output new.yaml
holds "new: comments are of the tables" grep -q "^# ridge: lambda, the ridge: a number above 0" new.yaml
works "dry run" run new.yaml -dry_run -output_directory dry
holds "dry run: what would be done" sh -c 'grep -q "^scheme  " log && grep -q "^steps           about 100 of 0.01" log &&
  grep -q "^cells           32 x 32" log && grep -q "^files           dry/run.h5" log && [ ! -e dry ]'
refused "dry run: what a run refuses" 2 "time_step|above 0" run new.yaml -dry_run -time_step 0
refused "dry run: results in the way" 2 "new holds results|-output_overwrite" run new.yaml -dry_run -output_directory new
holds "--help" "$mudot" --help
holds "--version" "$mudot" --version
holds "run --help" "$mudot" run --help
holds "run --help has -restart" sh -c "'$mudot' run --help | grep -q -e '-restart'"
for key in output_checkpoint time_wall_limit grid_cells target_log_density initial_mean energy_NAME geometry_spherical \
  energy_kernel_bandwidth time_transport_solver output_every; do
  holds "run --help has $key" sh -c "'$mudot' run --help | grep -q -e '-$key'"
done
holds "sample --help has -method" sh -c "'$mudot' sample --help | grep -q -e '-method'"
holds "compare --help has -replicates" sh -c "'$mudot' compare --help | grep -q -e '-replicates'"
for kind in geometries:ridge_fisher_rao energies:inclusive_kl kernels:matern \
  schemes:discrete_gradient commands:run exact_solutions:barenblatt facts:log_sobolev keys:kernel_bandwidth; do
  holds "list $kind" sh -c "'$mudot' list ${kind%:*} | grep -qw '${kind#*:}'"
done
refused "an option that list does not have" 2 "--yaml|--json" list --yaml
refused "a name that is in no table" 2 "\"steim\"|nothing of that name" list steim
refused "two tables" 2 "energies|kernels|one table" list energies kernels
refused "help for two topics" 2 "\"run\" and \"study\" are given" help run study
refused "nothing is near to it" 2 "there is no table \"nope\", and nothing of that name in a table" list nope
refused "no command is near to it" 2 "there is no command \"nope\" (see mudot --help)" nope
refused "no key is near to it" 2 "zzz: there is no such key; \"mudot list keys\" has all, -load FILE adds those of an extension" run case.yaml -zzz 1
refused "study has no dry run" 2 "dry_run: only mudot run has it" study case.yaml -dry_run
refused "particles have no dry run" 2 "dry-run: only mudot run has it" particles case.yaml --dry-run
refused "a misspelt dry run" 2 "the nearest is dry_run" run case.yaml -dryrun
refused "a study goes on by itself" 2 "restart: only mudot run and mudot particles have it" study case.yaml -restart
refused "help for a command that does not exist" 2 "\"rum\"|the nearest is run" help rum
refused "help for a chapter that does not exist" 2 "\"studios\"|no chapter|the nearest is studies" help studios
refused "help for two commands" 2 "run|study|one command" help run study
"$mudot" help all >manual
for command in $("$mudot" list commands | awk '{print $1}'); do
  holds "help $command is $command --help" sh -c \
    "'$mudot' help $command >said && '$mudot' $command --help | cmp - said && grep -q '^mudot $command' said"
  holds "help all has $command" grep -q "^mudot $command" manual
done
for chapter in $("$mudot" list chapters | awk '{print $1}'); do
  holds "help $chapter is a chapter" sh -c "'$mudot' help $chapter | sed -n 2p | grep -qx '==*'"
done
holds "help is --help" sh -c "'$mudot' help >said && '$mudot' --help | cmp - said"
holds "help fits into 110 columns" sh -c "! grep -E '^.{111}' manual"
holds "a reader that goes away is no trouble" sh -c "'$mudot' list 2>err | head -n 1 && ! [ -s err ]"

# MPI cannot start with a messaging layer that does not exist: what works does without it.
without_mpi() { env OMPI_MCA_pml=none "$mudot" "$@"; }
for arguments in --version --help -h help "help run" "help all" list "list keys --json" "run --help"; do
  # shellcheck disable=SC2086
  holds "$arguments without MPI" without_mpi $arguments
done
if without_mpi run absent.yaml >>log 2>&1; then bad "run needs MPI" "it does not"; else ok "run needs MPI"; fi
if without_mpi solve >>log 2>err || ! grep -q '^mudot: there is no command' err; then
  bad "a command that does not exist is told without MPI" "it is not"
else
  ok "a command that does not exist is told without MPI"
fi
# OpenMPI's folder of all processes of a user goes when one of them ends: a process alone makes none.
holds "a run makes no folder of OpenMPI" \
  env OMPI_MCA_orte_no_session_dirs="${TMPDIR:-/tmp}" "$mudot" run case.yaml -output_directory alone
# A shell in a step of Slurm (srun --pty bash), and processes that srun started without PMIx.
step() {
  tasks=$1 number=$2
  shift 2
  env SLURM_JOBID=1 SLURM_JOB_ID=1 SLURM_STEPID=0 SLURM_STEP_ID=0 SLURM_NODELIST="$(hostname)" SLURM_TASKS_PER_NODE=1 \
    SLURM_LOCALID=0 SLURM_NTASKS="$tasks" SLURM_STEP_NUM_TASKS="$tasks" SLURM_PROCID="$number" "$mudot" "$@"
}
holds "in a step of Slurm: --version" step 1 0 --version
holds "in a step of Slurm: run" step 1 0 run case.yaml -output_directory step
holds "in a step of Slurm: sample" step 1 0 sample step -n 5 -output step.csv
holds "in a step of Slurm: compare" step 1 0 compare step step.csv
holds "in a step of Slurm: report" step 1 0 report step
step 4 0 run case.yaml -output_directory steps >>log 2>err
got=$?
if [ $got = 2 ] && [ "$(wc -l <err)" = 1 ] && grep -q 'srun --mpi=pmix' err && [ ! -e steps ]; then
  ok "four processes of srun that MPI cannot join are refused"
else
  bad "four processes of srun that MPI cannot join are refused" "exit status $got"
fi
step 4 3 run case.yaml -output_directory steps >>log 2>err
if [ $? = 2 ] && [ ! -s err ]; then ok "in one sentence"; else bad "in one sentence" "another one speaks"; fi

reads "list --json is what list prints" '
def run(*arguments):
    return subprocess.run(["'"$mudot"'", "list", *arguments], check=True, capture_output=True, text=True).stdout
def bound(p):
    low, high = p.get("minimum", p.get("exclusiveMinimum")), p.get("maximum", p.get("exclusiveMaximum"))
    parts = [] if low is None else [f"above {low:g}" if "exclusiveMinimum" in p else f"from {low:g}" if high is not None else f"of at least {low:g}"]
    both = low is not None and "exclusiveMinimum" in p or "exclusiveMaximum" in p
    if high is not None:
        if parts and both:
            parts.append("and")
        parts.append(f"below {high:g}" if "exclusiveMaximum" in p else f"of at most {high:g}" if low is None else f"at most {high:g}" if "exclusiveMinimum" in p else f"to {high:g}")
    return " ".join(["a number", *parts])
def needs(kind, row):
    block = {"geometries": "geometry", "energies": "energy"}.get(kind)
    for p in row.get("parameters", []):
        text = p["doc"]
        if p["type"] == "number":
            text += ": " + bound(p) + ("" if p["required"] else " (default %g)" % p["default"])
        yield "      %-26s %s; %s%s" % (p["name"], text, p["flat"], " serves all" if block else "")
    if block and "kernel" in row.get("needs", []):
        yield "      %-26s its kernel, with the keys of kernel; %s_kernel and kernel serve all" % ("kernel", block)
def line(kind, row):
    if kind != "keys":
        first = "  %-30s %s" % (row["name"], row[{"commands": "summary", "chapters": "summary", "exact_solutions": "needs", "facts": "needs"}.get(kind, "formula")])
        pairs = ["      %-26s %s%s" % (p["geometry"], p["energy"], ", spherical" * p["spherical"]) for p in row.get("pairs", [])]
        return "\n".join([first, *needs(kind, row), *pairs])
    doc = row["doc"] + (": " + "|".join(row["allowed"]) if "allowed" in row else "")
    assert row["name"].startswith(row["block"] + "_"), row
    return "  %-33s %-11s %s" % (row["name"], row["value"], doc)
whole = json.loads(run("--json"))
assert whole.pop("mudot_version")
plain = "".join(kind + "\n" + "".join(line(kind, row) + "\n" for row in rows) for kind, rows in whole.items())
assert plain == run()
for kind, rows in whole.items():
    assert len(rows) > 2 and len({row["name"] for row in rows}) == len(rows), kind
    assert json.loads(run(kind, "--json"))[kind] == rows, kind
def find(kind, name):
    return next(row for row in whole[kind] if row["name"] == name)
ridge = find("geometries", "ridge_stein")["parameters"]
assert ridge == [{"name": "ridge", "key": "ridge", "flat": "geometry_ridge", "doc": "lambda, the ridge", "type": "number", "exclusiveMinimum": 0, "required": True}], ridge
assert find("energies", "potential")["parameters"][0]["flat"] == "energy_potential_formula"
assert find("geometries", "stein")["needs"] == ["kernel"] and not find("geometries", "wasserstein")["needs"]
assert find("energies", "kl")["needs"] == ["target"] and find("energies", "potential")["any_sign"]
end = find("keys", "time_end")
assert (end["type"], end["items"], end["exclusiveMinimum"]) == ("number", 1, 0), end
assert find("keys", "grid_cells")["type"] == "integer" and find("keys", "geometry_spherical")["type"] == "boolean"
def pairs(name):
    return {(p["geometry"], p["energy"], p["spherical"]) for p in find("facts", name)["pairs"]}
both = "wasserstein + fisher_rao"
assert pairs("log_sobolev") == {("wasserstein", "kl", False), (both, "kl", True)}, pairs("log_sobolev")
assert pairs("interaction_force") == {("mmd", "mmd", False), ("mmd", "mmd", True)}, pairs("interaction_force")
assert pairs("contraction_w2") == {("wasserstein", "kl", False)}
assert pairs("contraction_hk") == {(both, "potential", False), (both, "internal", False)}, pairs("contraction_hk")
assert {e for g, e, s in pairs("lojasiewicz") if not s} == {"inclusive_kl", "hellinger"}
assert pairs("step_logarithmic") > {("fisher_rao", "kl", False), ("fisher_rao", "kl", True)}
assert {e for g, e, s in pairs("lojasiewicz") if g == "fisher_rao" and s} == {"inclusive_kl", "hellinger"}, pairs("lojasiewicz")
assert ("flat_fisher_rao", "chi2", False) in pairs("poincare") and ("wasserstein", "kl", False) in pairs("poincare")
assert ("fisher_rao", "chi2", False) in pairs("step_power") and ("fisher_rao", "chi2", True) not in pairs("step_power")
one = json.loads(run("mmd", "--json"))
assert one["geometries"] == [find("geometries", "mmd")] and one["energies"] == [find("energies", "mmd")] and "kernels" not in one
assert run("ridge_stein") == "geometries\n" + line("geometries", find("geometries", "ridge_stein")) + "\n"
blocks = {row["block"] for row in whole["keys"]}
assert {"grid", "kernel", "geometry_kernel", "study"} <= blocks, blocks'

# ---------------------------------------------------------------------- manual page, completion

page=$BUILD/mudot.1
reads "the manual page has every command, key and exit status" '
text = open("'"$page"'").read().replace("\\-", "-")
lists = json.loads(subprocess.run(["'"$mudot"'", "list", "--json"], check=True, capture_output=True).stdout)
for command in lists["commands"]:
    assert command["summary"] in text and ".SH \"MUDOT " + command["name"].upper() in text, command
for key in lists["keys"]:
    assert "-" + key["name"] in text, key
for status in "012345":
    assert "\n.TP\n" + status + "\n" in text, status'
for checker in "groff -ww -man -Tutf8 -z" "mandoc -T lint -W warning"; do
  if command -v "${checker%% *}" >/dev/null 2>&1; then
    holds "${checker%% *} has nothing to say of the manual page" sh -c "$checker '$page' >said 2>&1 && ! [ -s said ]"
  else
    skip "the manual page by ${checker%% *}" "${checker%% *} is not installed"
  fi
done
cat >complete.bash <<'BASH'
# Repeats lines "typed => offered" with what the completion in the file $1 offers.
source "$1"
while IFS= read -r line; do
  typed=${line% =>*}
  read -ra COMP_WORDS <<<"$typed"
  [[ $typed != *" " ]] || COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _mudot
  echo "$typed => ${COMPREPLY[*]}"
done
BASH
cat >expected <<'LINES'
mudot ru => run
mudot list k => kernels keys
mudot list -- => --help --json
mudot help stu => study studies
mudot run ca => case.yaml
mudot run case.yaml -kernel_b => -kernel_bandwidth
mudot run case.yaml -geometry_kernel_t => -geometry_kernel_type
mudot run case.yaml -energy_pow => -energy_power -energy_power_exponent
mudot run case.yaml -geometry_ridge_st => -geometry_ridge_stein -geometry_ridge_stein_kernel_bandwidth -geometry_ridge_stein_kernel_exponent -geometry_ridge_stein_kernel_extension -geometry_ridge_stein_kernel_normalization -geometry_ridge_stein_kernel_order -geometry_ridge_stein_kernel_smoothness -geometry_ridge_stein_kernel_type -geometry_ridge_stein_ridge
mudot run case.yaml -geometry_stein_kernel_type w => wendland
mudot run case.yaml -grid_boundary  => no_flux periodic
mudot run case.yaml -initial_type s => samples
mudot run case.yaml -time_scheme discrete => discrete_gradient
mudot run case.yaml -energy_kernel_type w => wendland
mudot run case.yaml -output_diagnostics kl,w => kl,w2
mudot run case.yaml -grid_mask sm => small.pgm
mudot run case.yaml -time_end  => 
mudot study case.yaml -study_exact bar => barenblatt
mudot study case.yaml -study_vary time_s => time_step time_scheme time_steady
LINES
bash complete.bash "$BUILD/mudot-completion.bash" <expected >offered 2>err
if diff expected offered >>err; then ok "completion of $(wc -l <expected) lines"; else bad "completion" "not as expected"; fi
echo "$mudot study case.yaml -study_th => -study_theorem" >expected
bash complete.bash "$root/scripts/mudot-completion.bash" <expected >offered 2>err
if diff expected offered >>err; then ok "completion asks the program"; else bad "completion asks the program" "not as expected"; fi

# ---------------------------------------------------------------------- citation

if "$python" -c 'import yaml' 2>/dev/null; then
  reads "CITATION.cff" '
import re, yaml
cff = yaml.safe_load(open("'"$root"'/CITATION.cff"))
assert cff["cff-version"] == "1.2.0" and cff["title"] == "mudot" and cff["message"]
assert cff["license"] == "BSD-2-Clause" and cff["authors"] == [{"name": "The mudot developers"}]
version = re.search(r"^VERSION := (\S+)", open("'"$root"'/Makefile").read(), re.M).group(1)
assert str(cff["version"]) == version, (cff["version"], version)
for paper in cff["references"]:
    assert paper["type"] and paper["title"] and paper["year"] == 2024, paper
    assert all(a["family-names"] and a["given-names"] for a in paper["authors"]), paper
assert [p["identifiers"][0]["value"] for p in cff["references"]] == ["arXiv:2410.20622", "arXiv:2405.17075"]'
else
  skip "CITATION.cff" "Python has no module yaml"
fi
fi

if wants runs; then
# ---------------------------------------------------------------------- runs

refused "a home that no shell has replaced" 2 "output_directory|~/results|only a shell" run case.yaml -output_directory '~/results'
refused "ranks behind the command" 2 "n: there is no such key|mpiexec -n 4 mudot run" run case.yaml -n 4
works "times in place of every" run case.yaml -output_times 0.05,0.2 -output_directory chosen
reads "are those of the command line" '
assert np.array_equal(open_run("chosen")["time"][:], [0.05, 0.2])'
works "a run from where another has ended, on another grid" run case.yaml -initial_type run -initial_directory chosen -grid_cells 100 -output_directory gone-on
refused "the file of a run as a density" 2 "initial_file: chosen/run.h5 holds the snapshots of a run|initial_type run|initial_directory and initial_time" run case.yaml -initial_type file -initial_file chosen/run.h5
refused "a run from a time that there is not" 2 "initial_directory: time: 5 is not covered by chosen/run.h5" run case.yaml -initial_type run -initial_directory chosen -initial_time 5
reads "its density is that one" '
a, b = open_run("chosen"), open_run("gone-on")
x, y = a["grid/x"][:], b["grid/x"][:]
below = np.r_[0, np.cumsum(a["density"][-1]) * 0.1875]
exact = np.diff(np.interp(-6 + 0.12 * np.arange(101), -6 + 0.1875 * np.arange(65), below)) / 0.12
assert np.allclose(b["density"][0], exact, atol=1e-13)'
works "from its end with another target: in two parts" run case.yaml -output_times 0.1 -time_end 0.1 -output_directory part-1
works "the second part" run case.yaml -initial_type run -initial_directory part-1 -time_end 0.1 -output_times 0.1 -output_directory part-2
works "the whole" run case.yaml -output_directory parts
reads "two parts are the whole" '
assert np.allclose(open_run("part-2")["density"][-1], open_run("parts")["density"][-1], rtol=1e-12, atol=1e-15)'
works "a run from the end of another under another energy" run case.yaml -initial_type run -initial_directory part-1 -energy_kl 0 -energy_chi2 1 -output_directory part-3
reads "it begins there" '
assert np.allclose(open_run("part-3")["density"][0], open_run("part-1")["density"][-1], rtol=1e-13, atol=0)'

# steady NAME ARGUMENTS...: ends at the first step whose rates are below 1e-4 of the first ones
steady() {
  what=$1
  shift
  rm -rf steady unsteady
  works "steady, $what" run case.yaml -target_type gaussian -target_mean 0 -target_covariance 1 -output_every 0.1 -time_step 0.1 -time_end 30 "$@" -time_steady 1e-4 -output_directory steady
  grep -q "^steady .* where the run ends" log || bad "steady, $what, is told" "$(grep ^steady log)"
  works "the same up to its end, $what" run case.yaml -target_type gaussian -target_mean 0 -target_covariance 1 -output_every 0.1 -time_step 0.1 -time_end 15 "$@" -output_directory unsteady
  reads "ends where it should, $what" '
a, b = open_run("steady"), open_run("unsteady")
time, rho, energy = (np.array(b[name]) for name in ("time", "density", "ledger/energy"))
energy = energy[np.isin(b["ledger/t"][:], time)]
halved = len(time) < len(b["ledger/t"])  # the first step: what rates are compared with is that of its half then
rates = abs(np.diff(energy)) / np.diff(time), abs(np.diff(rho, axis=0)).sum(1) / np.diff(time)
still = (rates[0] <= 1e-4 * rates[0][0]) & (rates[1] <= 1e-4 * rates[1][0])
first = 1 + still.argmax()
assert still.any() and first > 5
last = len(a["time"]) - 1
assert float(a.attrs["steady_time"]) == time[last] == a["time"][-1] == a["ledger/t"][-1] and abs(last - first) <= halved
assert a.attrs["status"] in ("done", b"done") and np.array_equal(a["density"][:], rho[:last + 1])'
}
steady "implicit Euler"
steady "a splitting" -geometry_fisher_rao 1 -geometry_spherical true -time_scheme splitting
steady "the discrete gradient" -time_scheme discrete_gradient
steady "log densities" -geometry_wasserstein 0 -geometry_fisher_rao 1 -geometry_spherical true -time_scheme log_density
calm="run case.yaml -target_type gaussian -target_mean 0 -target_covariance 1 -output_every 1"
still="$calm -time_end 30 -time_steady 1e-5"
works "steady, extrapolation" $still -time_step 1 -time_scheme extrapolation -time_tolerance 1e-8 -output_directory leaps
reads "ends early, and at rest" '
a = open_run("leaps")
t = float(a.attrs["steady_time"])
assert 5 < t < 25 and t == a["time"][-1] == a["ledger/t"][-1]'
works "steady on one rank" $still -time_step 0.1 -output_directory still-1
holds "steady on two ranks" "$mpiexec" -n 2 "$mudot" $still -time_step 0.1 -output_directory still-2
reads "ends as on one" '
a, b = open_run("still-1"), open_run("still-2")
assert a.attrs["steady_time"] == b.attrs["steady_time"] and abs(a["density"][-1] - b["density"][-1]).max() < 1e-10'
works "a run that is not steady yet" $calm -time_steady 1e-5 -time_step 0.1 -time_end 3 -output_checkpoint "7 steps" -output_directory still-3
if grep -q "^steady .*not yet" log; then ok "it says so"; else bad "it says so" "$(grep ^steady log)"; fi
works "a restart that becomes steady" $still -time_step 0.1 -output_checkpoint "7 steps" -output_directory still-3 -restart
reads "the same bits as in one go" '
a, b = open_run("still-1"), open_run("still-3")
assert a.attrs["steady_time"] == b.attrs["steady_time"] and np.array_equal(a["density"][:], b["density"][:])
assert all(np.array_equal(a["ledger"][k][:], b["ledger"][k][:]) for k in a["ledger"])'
works "and again: it is done" $still -time_step 0.1 -output_checkpoint "7 steps" -output_directory still-3 -restart
if grep -q "is done" log; then ok "it is not begun again"; else bad "it is not begun again" "$(tail -n 1 log)"; fi
works "a restart with a smaller rate goes on" $calm -time_end 30 -time_step 0.1 -time_steady 1e-6 -output_checkpoint "7 steps" -output_directory still-3 -restart
reads "to a later end" '
assert float(open_run("still-3").attrs["steady_time"]) > float(open_run("still-1").attrs["steady_time"])'
works "a flow that starts at rest" $still -time_step 0.1 -initial_mean 0 -initial_covariance 1 -output_directory at-rest
if grep -q "^steady .*t = 0.1, .*rounding" log; then ok "ends at once"; else bad "ends at once" "$(grep ^steady log)"; fi
refused "a rate that is none" 2 "time_steady: 2 is not allowed" $calm -time_steady 2 -output_directory nowhere
refused "particles that would stop" 2 "time_steady: 1e-05 is given" particles ${still#run } -particles_method langevin -output_directory nowhere

median="run case.yaml -target_type gaussian -target_mean 0 -target_covariance 1 -energy_kl 0 -energy_mmd 1 -kernel_bandwidth median"
works "a bandwidth that is the median of distances" $median -output_directory halfway-apart
if grep -q "^chosen .*kernel_bandwidth 0.9.* median" log; then ok "it is told"; else bad "it is told" "$(grep ^chosen log)"; fi
works "a restart with it" $median -output_directory halfway-apart -time_end 0.3 -restart
works "the same in metres, along a periodic axis" run case.yaml -target_type gaussian -target_mean 0 -energy_kl 0 -energy_mmd 1 -kernel_bandwidth median \
  -grid_boundary periodic -grid_lower -6e-9 -grid_upper 6e-9 -target_covariance 1e-18 -initial_mean 2e-9 -initial_covariance 0.25e-18 -geometry_wasserstein 1e-27 -output_directory metres
"$python" -c 'import numpy; numpy.savetxt("pairs.csv", numpy.random.default_rng(1).normal(size=(50, 2)) * [1, 2], delimiter=",")'
works "of the points of a cloud" particles case.yaml -target_type samples -target_file pairs.csv -target_smoothing none -initial_mean 1,0 -initial_covariance 1,0,0,1 \
  -grid_lower -9,-9 -grid_upper 9,9 -grid_cells 20,20 -energy_kl 0 -energy_mmd 1 -particles_method mmd_flow -particles_count 20 -kernel_bandwidth median -output_directory points-apart
works "Scott's rule" run case.yaml -target_type samples -target_file pairs.csv -grid_lower -9,-9 -grid_upper 9,9 -grid_cells 20,20 -initial_mean 1,0 -initial_covariance 1,0,0,1 \
  -energy_kl 0 -energy_mmd 1 -kernel_bandwidth scott -output_directory by-rule
if grep -q "^chosen .*target_bandwidth" log; then ok "the bandwidth of samples is told"; else bad "the bandwidth of samples is told" "$(grep ^chosen log)"; fi
printf 'study: {type: order, case: case.yaml, vary: grid_cells, values: [16, 32, 64]}\nkernel: {bandwidth: median}\nenergy: {kl: 0, mmd: 1}\noutput: {directory: chosen-study}\n' >chosen.yaml
"$mudot" study chosen.yaml >log 2>err
if grep -q "^kernel_bandwidth [0-9.]* (the median" log; then ok "a study tells it"; else bad "a study tells it" "$(head -n 1 log)"; fi
reads "are what they should be" '
import re
def chosen(name, key="kernel_bandwidth", file="run.h5"):
    attributes = h5py.File(name + "/" + file, "r").attrs
    text, case = (str(attributes[word]) for word in ("chosen", "case"))
    value = re.search(r"bandwidth: ([0-9.e+-]+)", case)
    assert "median" not in case and "scott" not in case, case
    return float(value.group(1))
exact = 0.67448975 * 2**0.5
assert abs(chosen("halfway-apart") / exact - 1) < 4e-3 and abs(chosen("metres") * 1e9 / exact - 1) < 4e-3, (chosen("halfway-apart"), chosen("metres"))
x = np.loadtxt("pairs.csv", delimiter=",")
distances = np.sqrt(((x[:, None] - x) ** 2).sum(-1))[np.triu_indices(50, 1)]
assert abs(chosen("points-apart", file="particles.h5") / np.median(distances) - 1) < 1e-3
rule = 50 ** (-1 / 6) * np.sqrt(x.var(axis=0, ddof=1).mean())
assert abs(chosen("by-rule") / rule - 1) < 1e-3
text = str(h5py.File("chosen-study/study.h5", "r").attrs["case"])
assert re.search(r"bandwidth: [0-9.]+", text.split("its case")[1]) and "median" not in text.split("its case")[1], text'
refused "a median without a target" 2 "kernel_bandwidth|is not a number, nor one of median|scott" run case.yaml -kernel_bandwidth medium -output_directory nowhere
refused "Scott's rule without samples" 2 "kernel_bandwidth|scott is a rule for samples" ${median% median} scott -output_directory nowhere

{ echo "P2 16 8 1"; yes 1 | head -n 128; } >mask.pgm
works "a run with a mask" run plane.yaml -grid_mask mask.pgm -output_directory masked
{ echo "P2 16 8 1 0"; yes 1 | head -n 127; } >mask.pgm
refused "a restart after the mask has changed" 2 "grid_mask: is not the one of the run in masked" run plane.yaml -grid_mask mask.pgm -output_directory masked -restart -time_end 0.04
faint="run case.yaml -energy_kl 1e-12 -geometry_wasserstein 1e12 -time_step 0.01 -initial_type samples -initial_file some.csv -initial_bandwidth 0.5"
seq -1 0.1 1 >some.csv
works "a run with an energy far below 1" $faint -time_end 0.1 -output_directory faint
seq -1.1 0.1 0.9 >some.csv
refused "a restart after its initial points have changed" 2 "initial: is not the one of the run in faint" $faint -time_end 0.2 -output_directory faint -restart

# One flow in three spellings: mappings, a list, flat keys. kernel_fisher_rao stands twice, each time with a kernel of its own.
sed "s/^geometry:.*/geometry: {wasserstein: 1, kernel_fisher_rao: [{weight: 0.5, kernel: {type: matern, smoothness: 1.5, bandwidth: 0.3}}, {weight: 0.2, kernel: {bandwidth: 0.8}}]}/
/^output/ikernel: {type: gaussian, bandwidth: 1}" case.yaml >list.yaml
sed "s/^geometry:.*/geometry: {wasserstein: {weight: 1}, kernel_fisher_rao: {weight: 0.5, kernel: {type: matern, smoothness: 1.5, bandwidth: 0.3}}, kernel_fisher_rao_2: {weight: 0.2, kernel: {bandwidth: 0.8}}}/
/^output/ikernel: {type: gaussian, bandwidth: 1}" case.yaml >mapping.yaml
works "parts in a list" run list.yaml -output_directory list -output_checkpoint "1 steps"
works "parts as mappings" run mapping.yaml -output_directory mapping
works "parts as flat keys" run case.yaml -kernel_type gaussian -kernel_bandwidth 1 -geometry_kernel_fisher_rao 0.5 \
  -geometry_kernel_fisher_rao_kernel_type matern -geometry_kernel_fisher_rao_kernel_smoothness 1.5 \
  -geometry_kernel_fisher_rao_kernel_bandwidth 0.3 -geometry_kernel_fisher_rao_2 0.2 \
  -geometry_kernel_fisher_rao_2_kernel_bandwidth 0.8 -output_directory flat
works "parts in a list, up to the middle" run list.yaml -output_directory half -output_checkpoint "1 steps" -time_end 0.1
works "parts in a list, gone on with" run list.yaml -output_directory half -output_checkpoint "1 steps" -restart
reads "one flow, bit for bit, however its parts are written and where it was cut in two" '
runs = [open_run(name) for name in ("list", "mapping", "flat", "half")]
for name in ["density"] + ["ledger/" + column for column in runs[0]["ledger"]]:
    for run in runs[1:]:
        assert np.array_equal(run[name][:], runs[0][name][:], equal_nan=True), name
assert "restart" in "".join(runs[3].attrs["restarts"]), runs[3].attrs["restarts"]'
cat >nested.yaml <<'STUDY'
study:  {type: gamma, case: list.yaml, vary: geometry_kernel_fisher_rao_2_kernel_bandwidth, values: [0.8, 0.6, 0.4]}
output: {directory: nested}
STUDY
"$mudot" study nested.yaml >log 2>err
holds "a study varies a key of one part, whose limit it finds" \
  grep -q "limit: kernel_fisher_rao_2 -> power_mobility with exponent 2" log
rm -rf out
works "a run" run case.yaml -output_diagnostics kl,w2 -grid_cells 48
reads "attributes" '
a = open_run("out").attrs
for name in "mudot_version command_line case petsc_version fftw_version started finished".split():
    assert isinstance(a[name], str) and a[name], name
assert a["status"] == "done" and a["mpi_ranks"] == 1
assert a["command_line"] == "mudot run case.yaml -output_diagnostics kl,w2 -grid_cells 48", a["command_line"]
assert "cells: [48]" in a["case"]'
reads "layout" '
f = open_run("out")
assert f["grid/x"].shape == (48,) and np.allclose(f["grid/x"][0], -6 + 0.125)
assert f["grid/cell_volume"][()] == 0.25
assert f["grid/mask"][:].min() == 1 and f["target/log_density"].shape == (48,)
assert f["time"].shape == (3,) and np.allclose(f["time"][:], [0, 0.1, 0.2])
assert f["density"].shape == (3, 48) and f["density"].chunks == (1, 48)
mass = f["density"][:].sum(axis=1) * 0.25
assert np.allclose(mass, 1, atol=1e-12), mass
steps = {len(c) for c in f["ledger"].values()}
assert steps == {21}, steps
for name in "t dt energy energy_kl dissipation_primal dissipation_dual dissipated balance_defect mass min_density kl w2".split():
    assert name in f["ledger"], name'
reads "ledger.csv is the ledger" '
f = open_run("out")
rows = list(csv.reader(open("out/ledger.csv")))
assert set(rows[0]) == set(f["ledger"]) and rows[0][0] == "t"
table = np.array(rows[1:], float)
for k, name in enumerate(rows[0]):
    assert np.array_equal(table[:, k], f["ledger"][name][:], equal_nan=True), name'
reads "run.xdmf is XML that names its data" '
import xml.etree.ElementTree as tree
times = [float(t.get("Value")) for t in tree.parse("out/run.xdmf").iter("Time")]
assert times == list(open_run("out")["time"][:])'
cp out/run.h5 before.h5
"$mudot" run case.yaml >log 2>err
got=$?
if [ $got = 2 ] && [ "$(wc -l <err)" = 1 ] && grep -q output_overwrite err && cmp -s out/run.h5 before.h5; then
  ok "a second run is refused and the first stays"
else
  bad "a second run is refused and the first stays" "exit status $got"
fi
works "-output_overwrite allows it" run case.yaml -output_overwrite
reads "and replaces the results" 'assert open_run("out")["density"].shape == (3, 64)'
reads "the attribute case gives the same run" '
f = open_run("out")
first = f["density"][:]
open("again.yaml", "w").write(f.attrs["case"])
f.close()
subprocess.run([sys.argv[1] if len(sys.argv) > 1 else "'"$mudot"'", "run", "again.yaml", "-output_directory", "again"], check=True, stdout=subprocess.DEVNULL)
assert np.array_equal(first, open_run("again")["density"][:])'
rm -rf out
refused "a tolerance below rounding" 2 "time_tolerance: 1e-300 is not allowed; it must be at least 1e-14" run case.yaml -time_adapt -time_tolerance 1e-300
works "an adaptive run from a tiny step" run case.yaml -time_adapt -time_tolerance 1e-4 -time_step 1e-12 -output_directory tiny
works "a run in the plane" run plane.yaml
reads "layout in the plane" '
f = open_run("out")
assert f["density"].shape == (3, 8, 16) and f["grid/y"].shape == (8,)
assert f["grid/mask"].shape == (8, 16) and f["target/log_density"].shape == (8, 16)
x, y = f["grid/x"][:], f["grid/y"][:]
rho = np.ones((8, 1)) * (1 + 0.5 * np.cos(x))
assert np.allclose(f["density"][0], rho / rho.sum() / f["grid/cell_volume"][()], rtol=1e-12)'

rm -rf out
"$mpiexec" -n 2 "$mudot" run plane.yaml -output_directory two >log 2>err
got=$?
if [ $got = 0 ]; then ok "two ranks"; else bad "two ranks" "exit status $got"; fi
works "one rank" run plane.yaml -output_directory one
reads "two ranks give what one gives" '
a, b = open_run("one"), open_run("two")
assert b.attrs["mpi_ranks"] == 2
assert np.allclose(a["density"][:], b["density"][:], rtol=1e-11, atol=0)'
"$mpiexec" -n 2 "$mudot" run plane.yaml -time_edn 1 >log 2>err
got=$?
if [ $got = 2 ] && [ "$(grep -c '^mudot: ' err)" = 1 ]; then
  ok "a mistake on two ranks is told once"
else
  bad "a mistake on two ranks is told once" "exit status $got, $(grep -c '^mudot: ' err) sentences"
fi

rm -rf out
"$mudot" run plane.yaml -grid_mask_formula "(x-1.5)*(x-2)" >log 2>err
got=$?
if [ $got = 0 ] && [ "$(wc -l <err)" = 1 ] && grep -q '^mudot: warning: .*2 components of 64, 48 cells' err; then
  ok "a mask that splits the domain is a warning"
else
  bad "a mask that splits the domain is a warning" "exit status $got"
fi

rm -rf out
"$mudot" run case.yaml -initial_mean 5.5 >log 2>err
got=$?
if [ $got = 0 ] && [ "$(wc -l <err)" = 1 ] && grep -q '^mudot: warning: initial: 15.9 %' err; then
  ok "a Gaussian that lies partly off the grid is a warning" # 1 - Phi(1) = 0.1587
else
  bad "a Gaussian that lies partly off the grid is a warning" "exit status $got"
fi
cat >cut.yaml <<'CASE'
grid:     {lower: [-6], upper: [6], cells: [64], boundary: no_flux}
target:   {type: mixture, weights: [0.5, 0.5], means: [-1.5, 1.5], covariances: [0.64, 0.64]}
initial:  {type: gaussian, mean: [1], covariance: [0.1]}
energy:   {chi2: 1}
geometry: {mmd: 1, spherical: true, ridge: 0.01}
kernel:   {type: matern, bandwidth: 0.3}
time:     {end: 1000, step: 1000, scheme: discrete_gradient}
output:   {directory: cut}
CASE
for step in 1000 1; do "$mudot" run cut.yaml -time_step $step -time_end $step -output_directory cut-$step 2>cut-$step.err >log; done
if [ "$(wc -l <cut-1000.err)" = 1 ] && grep -q 'warning: a step of 100 was cut 1[1-4] times .*column dt' cut-1000.err && [ ! -s cut-1.err ]; then
  ok "a step that was cut more than ten times is told"
else
  bad "a step that was cut more than ten times is told" "$(cat cut-1000.err cut-1.err)"
fi
refused "a formula with y on a line" 2 "initial_density|y" run case.yaml -initial_type formula -initial_density "1+y^2"
refused "a potential with y on a line" 2 "energy_potential_formula|y" run case.yaml -energy_potential 1 -energy_potential_formula "x*y"
refused "a mask with y on a line" 2 "grid_mask_formula|y" run case.yaml -grid_mask_formula "y + 1"

# ---------------------------------------------------------------------- plans of transforms

# On 65536 cells plans are measured, once: two runs that start together, one later and one after `tune` are the same
# to the bit; where nothing can be kept plans are estimated, and two runs are the same as well.
cat >large.yaml <<'CASE'
grid: {lower: [-3, -3], upper: [3, 3], cells: [256, 256], boundary: no_flux}
target: {type: gaussian, mean: [0, 0], covariance: [1, 0, 0, 1]}
initial: {type: gaussian, mean: [0.5, 0], covariance: [0.3, 0, 0, 0.3]}
energy: {mmd: 1}
geometry: {mmd: 1}
kernel: {type: gaussian, bandwidth: 0.1, extension: zero}
time: {end: 0.02, step: 0.01}
output: {directory: out}
CASE
alone() { XDG_CACHE_HOME=$work/cache "$mudot" run large.yaml -output_directory "$1" >"$1.log" 2>&1; }
rm -rf cache
alone first &
alone second
wait $!
alone third
holds "plans are kept" sh -c 'ls cache/mudot | grep -q "^fftw-.*-f.*-f"'
holds "runs that start together have the same bits" cmp first/ledger.csv second/ledger.csv
holds "and so has a later one" cmp first/ledger.csv third/ledger.csv
# Plans that are there are taken: damaged ones are measured again, whole ones stay.
kept=$(ls cache/mudot/fftw-* | grep -v lock)
cp $kept whole
holds "tune measures nothing that is kept" env XDG_CACHE_HOME="$work/cache" "$mudot" tune large.yaml
holds "and says where" env XDG_CACHE_HOME="$work/cache" sh -c "'$mudot' tune large.yaml | grep -q '$work/cache/mudot'"
holds "kept plans stay" cmp whole $kept
echo "(fftw" >$kept
alone fourth
holds "damaged plans are replaced" sh -c "tail -c 2 $kept | grep -q ')'"
for n in 1 2; do MUDOT_CACHE=off "$mudot" run large.yaml -output_directory off$n >log 2>&1; done
holds "estimated plans: the same bits" cmp off1/ledger.csv off2/ledger.csv
mkdir -p none && : >none/mudot
XDG_CACHE_HOME=$work/none "$mudot" run large.yaml -output_directory off3 >log 2>err
holds "where nothing can be kept plans are estimated" cmp off1/ledger.csv off3/ledger.csv
holds "without a word" test ! -s err
export MUDOT_CACHE=off
refused "tune without a cache" 4 "tune|MUDOT_CACHE" tune 8,8
unset MUDOT_CACHE
refused "tune without cells" 2 "tune|512,512" tune
refused "tune with too much" 2 "tune|9" tune 8,8 9
holds "tune small cells" env XDG_CACHE_HOME="$work/cache" "$mudot" tune 8,8
rm -rf first second third fourth off1 off2 off3 cache none

# ---------------------------------------------------------------------- -log_view

rm -rf out
"$mudot" run -log_view case.yaml >log 2>err
got=$?
missing=
for event in MuSetUp MuEnergy MuGeometry MuTransportSolve MuLedger MuOutput TSStep; do
  grep -q "^$event " log || missing="$missing $event"
done
steps=$(awk '$1 == "MuLedger" {print $2}' log)
if [ $got = 0 ] && [ -z "$missing" ] && [ "$steps" = 20 ]; then
  ok "-log_view before the case says where the time goes"
else
  bad "-log_view before the case says where the time goes" "status $got, no$missing, \"$steps\" rows"
fi
rm -rf out
"$mudot" study "$root/scripts/studies/rate-mmd-exact.yaml" -output_directory out -log_view :view.txt >log 2>err
got=$?
if [ $got = 0 ] && grep -q '^MuConvolution ' view.txt && ! grep -q MuConvolution log; then
  ok "-log_view :FILE of a study"
else
  bad "-log_view :FILE of a study" "exit status $got"
fi
fi

if wants samples; then
# ---------------------------------------------------------------------- samples and comparisons

works "a run to compare with" run case.yaml -output_directory line -kernel_type gaussian -kernel_bandwidth 0.5
refused "sample: no file" 2 "0 files|one run.h5 is needed" sample -n 5
refused "sample: no number" 2 "n: is missing|-n 1000" sample line
refused "sample: zero points" 2 "n: \"0\"|from 1" sample line -n 0
refused "sample: text for a number" 2 "n: \"many\"" sample line -n many
refused "sample: misspelt option" 2 "-sed|the nearest is -seed" sample line -n 5 -sed 3
refused "sample: unknown method" 2 "method|sobol|iid|stratified" sample line -n 5 -method sobol
refused "sample: time beyond the run" 2 "time: 3 is not covered|from 0 to 0.2" sample line -n 5 -time 3
refused "sample: no such snapshot" 2 "no snapshot 7|there are 3" sample line -n 5 -snapshot 7
refused "sample: time and snapshot" 2 "snapshot: is given together with time" sample line -n 5 -time 0 -snapshot 0
holds "sample: an array of NumPy" "$python" -c '
import subprocess, sys, numpy
subprocess.run([sys.argv[1], "sample", "line", "-n", "9", "-output", "nine.npy"], check=True)
print(subprocess.run([sys.argv[1], "sample", "line", "-n", "9"], check=True, capture_output=True, text=True).stdout, file=open("nine.csv", "w"))
assert (numpy.load("nine.npy").ravel() == numpy.loadtxt("nine.csv", skiprows=2)).all()' "$mudot"
refused "sample: another ending" 2 "output|out.txt|.npy or .h5" sample line -n 5 -output out.txt
refused "sample: no such run" 4 "none.h5" sample none.h5 -n 5
refused "sample: not a run" 4 "case.yaml: is not an HDF5 file" sample case.yaml -n 5
refused "sample: a file that cannot be written" 4 "/proc/none.csv: cannot be written" sample line -n 5 -output /proc/none.csv
holds "samples on standard output" sh -c "'$mudot' sample line -n 200 >points.csv"
works "stratified samples between two snapshots" sample line/run.h5 -n 200 -method stratified -time 0.05 -output even.h5
holds "a run in the plane on two ranks" "$mpiexec" -n 2 "$mudot" run plane.yaml -output_directory two
works "samples in the plane" sample two -n 100 -output plane.csv
refused "sample: a file that is there" 2 "output: even.h5 is there already|-overwrite" sample line -n 5 -output even.h5
reads "their files" '
rows = open("points.csv").read().splitlines()
assert rows[0].startswith("# mudot") and "seed 1" in rows[0] and rows[1] == "x" and len(rows) == 202
again = subprocess.run(["'"$mudot"'", "sample", "line", "-n", "200"], capture_output=True, text=True, check=True).stdout
assert again == open("points.csv").read()
f = h5py.File("even.h5")
assert f["position"].shape == (1, 200, 1) and f["time"][:] == 0.05 and np.allclose(f["weight"][:].sum(), 1)
run = open_run("line")
rho = (run["density"][0] + run["density"][1]) / 2
below = np.interp(f["position"][0, :, 0], -6 + 0.1875 * np.arange(65), np.r_[0, np.cumsum(rho)] / rho.sum())
assert np.array_equal(np.floor(200 * below + 1e-9), np.arange(200)), below'

refused "compare: no particles" 2 "1 files are given" compare line
refused "compare: no such particles" 4 "none.csv" compare line none.csv
printf 'x\n1\n2\ntwo\n' >bad.csv
refused "compare: text in a CSV file" 2 "bad.csv, line 4|\`two\`" compare line bad.csv
printf 'x\n1\nnan\n' >bad.csv
refused "compare: NaN in a CSV file" 2 "bad.csv, line 3|\`nan\`" compare line bad.csv
printf 'a,b\n1,2\n' >bad.csv
refused "compare: a missing column" 2 "bad.csv has no column x" compare line bad.csv
printf '1,83\n2,91\n' >bad.csv
refused "compare: decimal commas" 2 "bad.csv|decimal commas" compare line bad.csv
printf 'x,w\n1,1\n2,-1\n' >bad.csv
refused "compare: a negative weight" 2 "weight of particle 2 is -1" compare line bad.csv
printf 'x\n1\n7\n' >far.csv
refused "compare: a particle outside" 2 "1 of 2 particles, mass 0.5|-allow_outside" compare line far.csv -output_directory out
works "unless that is allowed" compare line far.csv -allow_outside
refused "compare: particles of another dimension" 2 "the run is 1-D" compare line plane.csv
refused "compare: particles of another dimension in HDF5" 2 "in 1 dimensions; the run is 2-D" compare two even.h5
printf 't,x\n0,1\n0.1,2\n9,2\n' >late.csv
refused "compare: times that the run does not cover" 2 "time 9 is not covered|from 0 to 0.2" compare line late.csv
works "unless other times are chosen" compare line late.csv -time 0,0.1
refused "compare: a time that is not there" 2 "time: 0.05 is not a time of late.csv" compare line late.csv -time 0.05
refused "compare: several files without times" 2 "one per file" compare line points.csv points.csv
refused "compare: unknown kernel" 2 "gausian" compare line points.csv -kernel_type gausian
refused "compare: unknown option" 2 "-replicate|the nearest is -replicates" compare line points.csv -replicate 3
refused "compare: output below a plain file" 4 "output_directory|plain/out" compare line points.csv -output_directory plain/out
works "compare: a run's own samples" compare line points.csv -output_directory compared
if grep -q "^kernel .*gaussian, h = 0.5, of mass 1, as in the run" log && grep -q "at the level of N i.i.d. samples" log; then
  ok "says so, with the run's kernel"
else
  bad "says so, with the run's kernel" "see log"
fi
refused "compare: results that are there" 2 "compared holds a comparison|-overwrite" compare line points.csv -output_directory compared
works "compare: the wrong time" compare line points.csv -time 0 -output_directory compared -overwrite
if grep -q "the method limits" log; then ok "is seen"; else bad "is seen" "no sentence"; fi
reads "their tables" '
rows = list(csv.DictReader(open("compared/compare.csv")))
assert len(rows) == 1 and float(rows[0]["t"]) == 0 and rows[0]["particles"] == "200"
f = h5py.File("compared/compare.h5")
for name in "mmd2 energy_distance w1 w2 kolmogorov histogram_l1 mean_error covariance_error".split():
    for key, column in (("value", name), ("expected", name + "_expected"), ("sd", name + "_sd")):
        assert f[name][key][0] == float(rows[0][column]), column
assert "method limits" in f.attrs["sentence"]'
works "compare in the plane" compare two plane.csv -directions 8 -output_directory flat
"$mpiexec" -n 2 "$mudot" compare two plane.csv -directions 8 -output_directory flat2 >log 2>err
reads "two ranks compare as one does" '
a, b = (list(csv.reader(open(d + "/compare.csv"))) for d in ("flat", "flat2"))
assert a[0] == b[0] and np.allclose(np.array(a[1], float), np.array(b[1], float), rtol=1e-9, atol=1e-14)'
holds "the picture of a comparison" "$python" "$root/scripts/plot.py" compared
holds "which is there" test -s compared/compare.png
fi

if wants studies; then
# ---------------------------------------------------------------------- studies
sed 's/^time:.*/time: {end: 2, tolerance: 1e-5}/' case.yaml >tolerant.yaml
printf 'study: {type: rate, case: tolerant.yaml, theorem: spectral_gap}\noutput: {directory: tolerant}\n' >rate-tolerant.yaml
holds "a study of a case with a tolerance has a verdict" \
  sh -c '"$0" study rate-tolerant.yaml >tolerant.log; test $? -le 1 && grep -q "^verdict: [hfu]" tolerant.log' "$mudot"

# On the domain of an image the grid cannot be halved, so that its error is not known and no claim is decided.
{ echo P2 16 16 1; for _ in 1 2 3 4 5 6 7; do echo 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1; done; echo 1 1 1 1 1 0 0 1 1 1 1 1 1 1 1 1
  for _ in 1 2 3 4 5 6 7 8; do echo 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1; done; } >hole.pgm
cat >hole.yaml <<'CASE'
grid:     {lower: [-2, -2], upper: [2, 2], cells: [16, 16], mask: hole.pgm}
target:   {type: gaussian, mean: [0, 0], covariance: [1, 0, 0, 1]}
initial:  {type: gaussian, mean: [1, 0], covariance: [0.5, 0, 0, 0.5]}
energy:   {kl: 1}
geometry: {wasserstein: 1}
time:     {end: 1, step: 0.02}
output:   {directory: out}
CASE
printf 'study: {type: rate, case: hole.yaml, theorem: spectral_gap}\noutput: {directory: hole}\n' >rate-hole.yaml
holds "on the domain of an image nothing is decided" sh -c '
  "$0" study rate-hole.yaml >hole.log; test $? = 1 && grep -q "^verdict: undecided" hole.log &&
  grep -q "undecided: the grid has a shape of its own (a mask, densities of given cells): what half the cells would change" hole.log
  ' "$mudot"

# The last of three runs fails: its row has no numbers and the reason, the others theirs; nothing is decided.
sed -e 's/^geometry:.*/geometry: {fisher_rao: 1}/' -e 's/^energy:.*/energy: {potential: 1, potential_formula: "x"}/' \
  -e 's/^time:.*/time: {end: 0.5, step: 0.02}/' case.yaml >failing.yaml
printf 'study: {type: rate, case: failing.yaml, vary: energy_potential, values: [0.5, 1, 1e300], expect_rate: 1e-3}\noutput: {directory: failing}\n' >rate-failing.yaml
holds "a failed run stays in its row" sh -c '
  "$0" study rate-failing.yaml >failing.log; test $? = 1 && grep -q "^verdict: undecided" failing.log &&
  grep -q "^row 3 failed: the flow stopped at t = 0: the density was no longer finite" failing.log &&
  grep -c ",done$" failing/study.csv | grep -qx 2 && tail -n 1 failing/study.csv | grep -q ",nan,nan,.*,the flow stopped at t = 0:" &&
  ! tail -n 1 failing/study.csv | grep -q ",0,"' "$mudot"

cat >kernel.yaml <<'CASE'
grid:     {lower: [-6], upper: [6], cells: [64], boundary: no_flux}
target:   {type: mixture, weights: [0.5, 0.5], means: [-1.5, 1.5], covariances: [0.64, 0.64]}
initial:  {type: gaussian, mean: [1], covariance: [1]}
energy:   {kl: 1}
geometry: {kernel_fisher_rao: 1}
kernel:   {type: gaussian, bandwidth: 0.3}
time:     {end: 1, step: 0.1}
output:   {directory: out}
CASE
cat >study.yaml <<'CASE'
study:    {type: gamma, case: kernel.yaml, vary: kernel_bandwidth, values: [1.2, 0.8, 0.6, 0.4], limit: fisher_rao}
output:   {directory: out}
CASE
refused "study: one value" 2 "study_values|at least 3" study study.yaml -study_values 0.4
refused "study: values not monotone" 2 "study_values|monotone" study study.yaml -study_values 0.4,0.2,0.3
refused "study: unknown parameter" 2 "study_vary|kernel_bandwith|kernel_bandwidth" study study.yaml -study_vary kernel_bandwith
refused "study: parameter that the case does not have" 2 "study_vary|geometry_ridge" study study.yaml -study_vary geometry_ridge
refused "study: limit that does not exist" 2 "study_limit|nonsense" study study.yaml -study_limit nonsense
refused "a study given to run" 2 "grid_lower: is missing|a study is for mudot study" run study.yaml
refused "a case given to study" 2 "study_type: is missing|a case without a study is for mudot run" study case.yaml
refused "study: exact solution of another case" 2 "study_exact|barenblatt|needs" study study.yaml -study_type order \
  -study_exact barenblatt -study_vary time_step -study_values 0.1,0.05,0.025
refused "study: case file missing" 4 "study_case|none.yaml" study study.yaml -study_case none.yaml
holds "a study whose claim holds" "$mudot" study "$root/scripts/studies/rate-mmd-exact.yaml" -output_directory held
if grep -q '^verdict: holds$' log; then ok "plain verdict in a pipe"; else bad "plain verdict in a pipe" "$(tail -n 1 log)"; fi
# terminal NAME VARIABLE SEQUENCE ARGUMENTS...: on a pseudo-terminal, with a variable of the environment
# set, the output has the words with (or without) an escape sequence before them.
esc=$(printf '\033')
terminal() {
  name=$1 variable=$2 words=$3
  shift 3
  rm -rf shown
  TERM=xterm NO_COLOR='' env "$variable" script -qec "'$mudot' $*" /dev/null >log 2>err </dev/null
  if grep -qF "$words" log; then ok "$name"; else bad "$name" "$(tail -n 1 log | tr '\033' '^')"; fi
}
if command -v script >/dev/null 2>&1; then
  study="study $root/scripts/studies/rate-mmd-exact.yaml -output_directory shown"
  terminal "a verdict that holds is green on a terminal" A=1 "verdict: ${esc}[1;32mholds${esc}[0m" "$study"
  terminal "it is plain with NO_COLOR" NO_COLOR=1 "verdict: holds" "$study"
  terminal "it is plain on a dumb terminal" TERM=dumb "verdict: holds" "$study"
  terminal "a verdict that fails is red" A=1 "verdict: ${esc}[1;31mfails${esc}[0m" "$study -study_expect_rate 3"
  terminal "an error begins red on a terminal" A=1 "${esc}[1;31mmudot:${esc}[0m" "run absent.yaml"
  rm -rf shown
  "$mpiexec" -n 1 "$mudot" study "$root/scripts/studies/rate-mmd-exact.yaml" -output_directory shown >log 2>err
  if grep -q '^verdict: holds' log; then ok "plain in a pipe of mpiexec"; else bad "plain in a pipe of mpiexec" "$(tail -n 1 log)"; fi
else
  skip "colours on a terminal" "the program script is not installed"
fi
"$mudot" study study.yaml -output_directory negative >log 2>err
got=$?
if [ $got = 1 ]; then ok "a study whose claim does not hold exits with 1"; else bad "a study whose claim does not hold exits with 1" "$got"; fi
reads "its files" '
f = h5py.File("negative/study.h5", "r")
assert f.attrs["verdict"] in ("fails", "undecided"), f.attrs["verdict"]
rows = list(csv.DictReader(open("negative/study.csv")))
assert len(rows) == 4 and "density_error_l1" in rows[0] and "used_in_fit" in rows[0]'
fi

if wants particles; then
# ---------------------------------------------------------------------- particle methods

cat >explicit.yaml <<'CASE'
initial:   {type: gaussian, mean: [2], covariance: [0.25]}
target:    {type: mixture, weights: [0.3, 0.7], means: [-1, 1.5], covariances: [0.3, 0.2]}
energy:    {mmd: 1}
geometry:  {wasserstein: 1}
kernel:    {type: gaussian, bandwidth: 1}
particles: {method: mmd_flow, count: 50}
time:      {end: 1000, step: 100}
output:    {directory: explicit, every: 500}
CASE
"$mudot" particles explicit.yaml >log 2>err
if [ $? = 0 ] && grep -q "warning: time_step: energy rose in [0-9]* of 10 rows of the ledger.* steps of 100 are too large here; try 10" err; then
  ok "explicit steps that are too large are told"
else
  bad "explicit steps that are too large are told" "no warning"
fi
works "and smaller ones are not" particles explicit.yaml -time_step 2 -output_overwrite

cat >cloud.yaml <<'CASE'
grid:      {lower: [-6], upper: [6], cells: [64], boundary: no_flux}
target:    {type: mixture, weights: [0.5, 0.5], means: [-1.5, 1.5], covariances: [0.64, 0.64]}
initial:   {type: gaussian, mean: [0], covariance: [2]}
energy:    {mmd: 1}
geometry:  {wasserstein: 2, mmd: 1}
kernel:    {type: gaussian, bandwidth: 1, normalization: peak, extension: zero}
time:      {end: 0.4, step: 0.05}
particles: {method: ift, count: 50}
output:    {directory: out, every: 0.1}
CASE
"$mudot" particles --help >log 2>err
holds "mudot particles --help lists methods and keys" grep -q -e "fisher_rao_weights" log
holds "and the key particles_count" grep -q -e "-particles_count" log
"$mudot" list methods >log 2>err
holds "mudot list methods names the geometry" grep -q "svgd.*stein" log
refused "particles: no method" 2 "particles_method: is missing" particles case.yaml
refused "particles: misspelt method" 2 "particles_method|ifft|ift" particles cloud.yaml -particles_method ifft
refused "particles: method and geometry" 2 "svgd|stein|wasserstein" particles cloud.yaml -particles_method svgd
refused "particles: energy without a particle form" 2 "energy_chi2|ift" particles cloud.yaml -energy_chi2 1
refused "particles: weight step of another method" 2 "particles_weight_step|birth_death|entropic" particles cloud.yaml \
  -particles_weight_step birth_death
refused "particles: no particles" 2 "particles_count|\"0\"" particles cloud.yaml -particles_count 0
refused "particles: a ridge that the method would leave out" 2 "geometry_ridge: 0.1 is given for geometry_mmd|ift" particles cloud.yaml \
  -geometry_ridge 0.1
refused "particles: negative seed" 2 "particles_seed|\"-1\"" particles cloud.yaml -particles_seed -1
refused "particles: periodic axis" 2 "grid_boundary|periodic" particles cloud.yaml -grid_boundary periodic
refused "particles: mask" 2 "grid_mask" particles cloud.yaml -grid_mask_formula "x"
refused "particles: no dimension" 2 "mean" particles cloud.yaml -initial_mean 1,2
grep -v "^grid:" cloud.yaml >free.yaml
refused "particles: formula without a grid" 2 "target_type|grid" particles free.yaml -target_type formula -target_density 1
refused "particles: wrong size of a covariance" 2 "initial_covariance|1 numbers|4 are needed" particles free.yaml -initial_mean 0,0 \
  -particles_dimension 2
refused "particles: exact target without closed form" 2 "particles_target_samples|fixed" particles free.yaml -kernel_type imq
printf '0.1\n-0.4\n0.7\n1.3\n' >points.csv
works "particles: points whose density is not known under langevin" particles cloud.yaml -energy_mmd 0 -energy_kl 1 -geometry_mmd 0 \
  -particles_method langevin -particles_count 4 -initial_type samples -initial_file points.csv -initial_smoothing none -output_directory points
works "particles" particles cloud.yaml -output_directory cloud
reads "particles.h5" '
f = h5py.File("cloud/particles.h5", "r")
a = f.attrs
assert a["status"] == "done" and a["method"] == "ift" and int(a["seed"]) == 1 and "wasserstein" in a["scheme"]
assert "mudot particles" in a["command_line"] and "particles:" in a["case"] and a["mudot_version"] and a["started"]
assert np.allclose(f["time"][:], [0, 0.1, 0.2, 0.3, 0.4]) and f["time"][-1] == 0.4
assert f["position"].shape == (5, 50, 1) and f["weight"].shape == (5, 50)
assert np.abs(f["weight"][:].sum(axis=1) - 1).max() < 1e-12 and f["weight"][:].min() >= 0
l = f["ledger"]
assert len(l["t"]) == 9 and l["simplex_residual"][:].max() <= 1e-10
x, w = f["position"][-1, :, 0], f["weight"][-1]
k = lambda v, s: np.exp(-v**2 / (2 * (1 + s))) / np.sqrt(1 + s)
m = np.array([-1.5, 1.5])
exact = (w @ k(x[:, None] - x, 0) @ w - 2 * 0.5 * (w @ k(x[:, None] - m, 0.64)).sum()
         + 0.25 * k(m[:, None] - m, 1.28).sum())
assert abs(exact - l["mmd2"][-1]) < 1e-13 and abs(l["energy"][-1] - exact / 2) < 1e-13, (exact, l["mmd2"][-1])
rows = list(csv.reader(open("cloud/ledger.csv")))
assert len(rows) == 10 and set(rows[0]) == set(l) and float(rows[-1][0]) == 0.4'
refused "particles: results are kept" 2 "output_directory|-output_overwrite" particles cloud.yaml -output_directory cloud
works "particles: -output_overwrite" particles cloud.yaml -output_directory cloud -output_overwrite -particles_seed 5
works "the same seed" particles cloud.yaml -output_directory cloud-again -particles_seed 5
works "another seed" particles cloud.yaml -output_directory cloud-other -particles_seed 6
"$mpiexec" -n 2 "$mudot" particles cloud.yaml -particles_weight_step entropic -output_directory two-clouds >log 2>err
works "entropic weights" particles cloud.yaml -particles_weight_step entropic -output_directory entropic
reads "same seed same bits, another seed another cloud, two ranks the same cloud" '
open_cloud = lambda d: h5py.File(d + "/particles.h5", "r")
for name in ("position", "weight"):
    assert np.array_equal(open_cloud("cloud")[name][:], open_cloud("cloud-again")[name][:])
    assert np.allclose(open_cloud("two-clouds")[name][:], open_cloud("entropic")[name][:], rtol=1e-11, atol=1e-11)
assert not np.allclose(open_cloud("cloud")["position"][0], open_cloud("cloud-other")["position"][0])'
works "the same case on the grid" run cloud.yaml -output_directory grid-of-cloud
refused "particles keep out of a run's directory" 2 "grid-of-cloud|mudot run" particles cloud.yaml -output_directory grid-of-cloud \
  -output_overwrite
refused "a run keeps out of the directory of particles" 2 "cloud|mudot particles" run cloud.yaml -output_directory cloud -output_overwrite
works "rows of the ledger every 3 steps" particles cloud.yaml -particles_ledger_every 3 -output_directory every
reads "and at the end" 'assert np.allclose(h5py.File("every/particles.h5")["ledger/t"][:], [0, 0.15, 0.3, 0.4])'
"$mudot" particles cloud.yaml -particles_method mmd_flow -geometry_mmd 0 -energy_mmd 0 -energy_potential -1 \
  -energy_potential_formula "x^4" -output_directory blown >log 2>err
got=$?
if [ $got = 3 ] && grep -q "the last good state, t = " err; then ok "particles that run away exit with 3"; else bad "particles that run away exit with 3" "$got"; fi
reads "and leave the last good state" '
f = h5py.File("blown/particles.h5", "r")
assert f.attrs["status"].startswith("failed") and np.isfinite(f["position"][:]).all() and len(f["time"]) >= 1
assert len(set(f["time"][:])) == len(f["time"])'
works "particles in R^5" particles "$root/scripts/particles-mixture-5d.yaml" -particles_count 60 -time_end 0.5 -output_directory five
works "particles: svgd" particles "$root/scripts/particles-svgd.yaml" -particles_count 60 -time_end 0.5 -output_directory svgd
fi

if wants killed; then
# ---------------------------------------------------------------------- read and killed while it runs

cat >two-studies.yaml <<'CASE'
study:    {type: order, vary: time_step, values: [0.1, 0.05, 0.025, 1e-3], expect_order: 1}
grid:     {lower: [-6], upper: [6], cells: [64], boundary: no_flux}
target:   {type: gaussian, mean: [0], covariance: [1]}
initial:  {type: gaussian, mean: [2], covariance: [0.25]}
energy:   {kl: 1}
geometry: {wasserstein: 1}
time:     {end: 1, step: 0.01}
output:   {directory: studied, every: 0.1}
CASE

reads "a run is read while it goes on, and after a kill" '
import os, signal, time
run = subprocess.Popen(["'"$mudot"'", "run", "case.yaml", "-output_directory", "killed", "-time_end", "5000", "-output_every", "0.01"],
                       stdout=subprocess.DEVNULL)
seen, deadline = [], time.time() + 20
try:
    while len(seen) < 5 and time.time() < deadline:
        time.sleep(0.2)
        if os.path.exists("killed/run.h5"):
            with open_run("killed") as f:
                n = len(f["time"])
                if n: assert abs(f["density"][n - 1].sum() * 0.1875 - 1) < 1e-10
                seen.append(n)
finally:
    run.send_signal(signal.SIGKILL)
    run.wait()
assert len(seen) == 5 and seen[-1] > seen[0], seen
f = open_run("killed")
n = len(f["time"])
assert n >= seen[-1] and len(f["density"]) >= n
assert f.attrs["status"] == "running"
assert np.allclose(f["density"][:n].sum(axis=1) * 0.1875, 1, atol=1e-10)
assert np.allclose(f["time"][:], 0.01 * np.arange(n))
rows = len(f["ledger/t"])
assert all(len(c) >= rows for c in f["ledger"].values())'

cat >long-study.yaml <<'CASE'
study:    {type: order, vary: time_step, values: [4e-5, 3e-5, 2e-5, 1e-5], expect_order: 1}
grid:     {lower: [-6], upper: [6], cells: [64], boundary: no_flux}
target:   {type: gaussian, mean: [0], covariance: [1]}
initial:  {type: gaussian, mean: [2], covariance: [0.25]}
energy:   {kl: 1}
geometry: {wasserstein: 1}
time:     {end: 0.5, step: 0.01}
output:   {directory: stopped-study, every: 0.1}
CASE
reads "a study that is stopped says how to go on, and does" '
import glob, signal, time
mudot = "'"$mudot"'"
study = subprocess.Popen([mudot, "study", "long-study.yaml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
deadline = time.time() + 60
while not glob.glob("stopped-study/*") and time.time() < deadline: time.sleep(0.05)
time.sleep(0.2)
study.send_signal(signal.SIGINT)
out, err = study.communicate(timeout=120)
assert study.returncode == 5 and not err, (study.returncode, out, err)
line = [l for l in out.splitlines() if l.startswith("go on with")][0].split("with", 1)[1].split()
assert line == [mudot, "study", "long-study.yaml"] and "verdict" not in out, out
again = subprocess.run(line, capture_output=True, text=True, timeout=120)
assert again.returncode <= 1 and "verdict" in again.stdout, (again.stdout, again.stderr)'

reads "a signal is answered within a run that takes for ever" '
import glob, signal, time
study = subprocess.Popen(["'"$mudot"'", "study", "long-study.yaml", "-time_adapt", "-time_tolerance", "1e-14", "-output_directory", "slow-study"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
deadline = time.time() + 60
while not glob.glob("slow-study/*") and time.time() < deadline: time.sleep(0.05)
time.sleep(0.5)
study.send_signal(signal.SIGTERM)
out, err = study.communicate(timeout=5)
assert study.returncode == 5 and "go on with" in out, (study.returncode, out, err)'

reads "two processes that start in one directory" '
import random, shutil, time
random.seed(5)
mudot, seen = "'"$mudot"'", set()
def start(*more):
    return subprocess.Popen([mudot, "run", "case.yaml", "-output_directory", "pair", "-time_end", "2", "-time_step", "1e-4", "-output_checkpoint", "100 steps", *more],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
for k in range(4):
    shutil.rmtree("pair", ignore_errors=True)
    a = start("-restart")
    time.sleep(random.uniform(0, 0.8))
    b = start("-restart" if k % 2 else "-output_overwrite")
    errors = [p.communicate(timeout=60)[1] for p in (a, b)]
    codes = sorted((a.returncode, b.returncode))
    seen.add(tuple(codes))
    assert codes in ([0, 0], [0, 4]), (codes, errors)
    if codes == [0, 4]:
        refused = errors[1 if b.returncode else 0]
        assert "output_directory: pair is being written by another mudot (process" in refused and refused.count("\n") == 1, refused
    f = open_run("pair")
    assert f.attrs["status"] == "done" and len(f["time"]) == 21 and len(f["ledger/t"]) == 20001, k
    assert len(open("pair/ledger.csv").readlines()) == 20002
    assert not [n for n in os.listdir("pair") if "lock" in n or "partial" in n], os.listdir("pair")
assert (0, 4) in seen, seen'
"$mudot" study two-studies.yaml >first 2>&1 &
"$mudot" study two-studies.yaml >second 2>&1
second=$?
wait $!
first=$?
cat first second >err
if [ "$first $second" = "0 4" ] || [ "$first $second" = "4 0" ] && [ "$(grep -c "is being written by another mudot" err)" = 1 ]; then
  ok "two studies in one directory"
else
  bad "two studies in one directory" "exit status $first and $second"
fi
fi

exec 3>&- 4<&-
wait
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
