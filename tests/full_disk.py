#!/usr/bin/python3
"""Every write of every command fails once: the exit status is 4, one sentence says why, nothing that was there is lost.

Usage: tests/full_disk.py MUDOT [--every K] [COMMAND...]

A program is run under ptrace(2), its system calls that change a directory are counted, and the n-th one fails for
want of room, of quota or because the disk is read-only now, as all later ones do: write, pwrite64, ftruncate, fsync, rename, mkdir, open with O_CREAT. Once
for all n (--every K: for every K-th), closes with totals. Needs Linux on x86-64 and the right to trace.
"""
import argparse
import ctypes
import errno
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import tempfile

TRACEME, CONT, GETREGS, SETREGS, SETOPTIONS = 0, 7, 12, 13, 0x4200
EXITKILL, TRACESECCOMP, EVENT_SECCOMP = 0x100000, 0x80, 7
REGISTERS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base "
             "ds es fs gs").split()
CALLS = {1: "write", 18: "pwrite64", 20: "writev", 77: "ftruncate", 74: "fsync", 75: "fdatasync", 82: "rename",
         83: "mkdir", 2: "open", 257: "openat", 285: "fallocate"}
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in REGISTERS]


class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Filter))]


def stop_at_calls():
    """A seccomp filter that stops this process at the calls of CALLS alone: all others run at full speed."""
    lines = [(0x20, 0, 0, 0)]  # load the number
    for k, number in enumerate(sorted(CALLS)):
        lines.append((0x15, len(CALLS) - k, 0, number))  # equal: to the last line
    lines += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x7FF00000)]  # allow; trace
    filters = (Filter * len(lines))(*lines)
    libc.prctl(38, 1, 0, 0, 0)  # no new privileges
    libc.prctl(22, 2, ctypes.byref(Program(len(lines), filters)), 0, 0)


def ptrace(request, pid, address=0, data=0):
    if libc.ptrace(request, pid, address, data) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def text_at(pid, address):
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(address)
        return memory.read(256).split(b"\0")[0].decode(errors="replace")


def path_of(pid, call, r):
    """The path that a call is about, "" if it makes or changes nothing."""
    if call in ("open", "openat"):
        flags = r.rsi if call == "open" else r.rdx
        if not flags & os.O_CREAT:
            return ""
    try:
        if call in ("open", "mkdir", "rename"):
            path = text_at(pid, r.rdi)
        elif call == "openat":
            path = text_at(pid, r.rsi)
        else:
            path = os.readlink(f"/proc/{pid}/fd/{r.rdi}")
    except OSError:
        return ""
    return os.path.join(os.readlink(f"/proc/{pid}/cwd"), path)


def run(command, directory, fail, reason):
    """Runs it with the call number `fail` and the later ones failing (0: none). Status, stderr, the calls' names."""
    calls = []
    out = tempfile.TemporaryFile()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
        os.dup2(out.fileno(), 2)
        libc.ptrace(TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        stop_at_calls()
        os.execv(command[0], command)
    os.waitpid(pid, 0)
    ptrace(SETOPTIONS, pid, 0, EXITKILL | TRACESECCOMP)
    r, deliver = Registers(), 0
    while True:
        ptrace(CONT, pid, 0, deliver)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            break
        deliver = os.WSTOPSIG(status)
        if deliver != signal.SIGTRAP:
            continue
        deliver = 0
        if status >> 16 != EVENT_SECCOMP:
            continue
        ptrace(GETREGS, pid, 0, ctypes.addressof(r))
        name = CALLS[r.orig_rax]
        if not path_of(pid, name, r).startswith(directory):
            continue
        calls.append(name)
        if 0 < fail <= len(calls):  # no call, and its answer
            r.orig_rax, r.rax = 2**64 - 1, 2**64 - reason
            ptrace(SETREGS, pid, 0, ctypes.addressof(r))
    out.seek(0)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    return code, out.read().decode(errors="replace"), calls


CASE = """
grid:     {lower: [-6], upper: [6], cells: [64]}
target:   {type: gaussian, mean: [0], covariance: [1]}
initial:  {type: gaussian, mean: [2], covariance: [0.25]}
energy:   {kl: 1}
geometry: {wasserstein: 1}
kernel:   {type: gaussian, bandwidth: 0.5}
time:     {end: 0.2, step: 0.02}
output:   {directory: full/out, every: 0.1, checkpoint: 4 steps}
particles: {count: 20}
"""
STUDY = CASE + "study: {type: order, vary: time_step, values: [0.1, 0.05, 0.025, 0.0125], expect_order: 1}\n"
COMMANDS = {  # name: (command, what is there before)
    "run": ("run case.yaml", ""),
    "run-over": ("run case.yaml -output_overwrite", "run case.yaml -time_step 0.05"),
    "restart": ("run case.yaml -restart -time_end 0.3", "run case.yaml"),
    "particles": ("particles case.yaml -geometry_wasserstein 0 -geometry_stein 1 -particles_method svgd", ""),
    "study": ("study study.yaml", ""),
    "sample-h5": ("sample there -n 100 -output full/s.h5", ""),
    "sample-csv": ("sample there -n 100 -output full/s.csv", ""),
    "sample-over": ("sample there -n 100 -output full/s.h5 -overwrite", "sample there -n 50 -output full/s.h5"),
    "compare": ("compare there points.csv -output_directory full/out -replicates 2", ""),
    "report": ("report there -output full/page.html", ""),
}


def snapshot(directory):
    """Files that are results, with their bytes."""
    return {str(p.relative_to(directory)): p.read_bytes() for p in pathlib.Path(directory).rglob("*") if p.is_file()}


def judge(code, err, before, after, name, reason):
    """What is wrong with the outcome, "" if nothing."""
    sentences = [line for line in err.splitlines() if line.startswith("mudot: ") and not line.startswith("mudot: warning")]
    others = [line for line in err.splitlines() if not line.startswith("mudot: ")]
    if code == 0:
        return "" if all("checkpoint" in line or "warning" in line for line in err.splitlines()) and err else "exit status 0"
    if code != 4:
        return f"exit status {code}: {err[-300:]!r}"
    if len(sentences) != 1 or others:
        return f"{len(sentences)} sentences: {err[-300:]!r}"
    if os.strerror(reason) not in sentences[0]:
        return f"no reason: {sentences[0]!r}"
    begun = any(file.endswith(("/run.h5", "/particles.h5")) for file in after)
    if name in ("run", "restart", "particles") and begun and not any(
            word in sentences[0] for word in ("-restart", "output_directory")):
        return f"no way to go on: {sentences[0]!r}"
    if name == "sample-over" and before != {k: v for k, v in after.items() if k in before}:
        return "what was there is lost"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mudot", type=os.path.abspath)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("commands", nargs="*", default=list(COMMANDS))
    given = parser.parse_intermixed_args()
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1")
    wrong = runs = 0
    if platform.machine() != "x86_64":
        print("skipped a full disk: the calls of another processor\n0 passed, 0 failed, 1 skipped")
        return 0
    with tempfile.TemporaryDirectory(prefix="mudot-full-") as work:
        os.chdir(work)
        work = os.path.realpath(work)
        pathlib.Path("case.yaml").write_text(CASE)
        pathlib.Path("study.yaml").write_text(STUDY)
        pathlib.Path("points.csv").write_text("x\n1\n2\n0.5\n")
        subprocess.run([given.mudot, "run", "case.yaml", "-output_directory", "there"], check=True, capture_output=True)
        for name in given.commands:
            command, earlier = COMMANDS[name]
            found, bad = {}, 0
            shutil.rmtree("kept", ignore_errors=True)
            os.mkdir("kept")
            if earlier:
                shutil.rmtree("full", ignore_errors=True)
                os.mkdir("full")
                subprocess.run([given.mudot, *earlier.split()], check=True, capture_output=True)
                shutil.rmtree("kept")
                os.rename("full", "kept")
            count, names, fail = None, [], 0
            while count is None or fail <= count:
                shutil.rmtree("full", ignore_errors=True)
                shutil.copytree("kept", "full")
                before = snapshot("full")
                reason = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)[fail % 3]
                code, err, calls = run([given.mudot, *command.split()], work + "/full", fail, reason)
                if count is None:
                    if code:
                        sys.exit(f"{name}: {err}")
                    count, names = len(calls), calls
                elif fail <= len(calls):  # files that are rewritten by the clock make their number vary
                    runs += 1
                    sentence = judge(code, err, before, snapshot("full"), name, reason)
                    if sentence:
                        bad += 1
                        found.setdefault(sentence, []).append(f"{fail} ({names[fail - 1]})")
                fail += given.every if fail else 1
            wrong += bad
            print(f"{'FAILED ' if bad else 'ok     '} {name}: {count} calls, {bad} go wrong", flush=True)
            for sentence, at in found.items():
                print(f"        | call {', '.join(at[:6])}: {sentence}")
    print(f"{runs - wrong} passed, {wrong} failed, 0 skipped")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
