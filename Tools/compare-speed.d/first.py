"""A whole command up to its first word, its files in the system's cache; and the most memory that it has, beside its file."""
import pathlib, statistics, subprocess, sys, time
from turns import Row

COMMANDS = [("student", "translate", "en-pt", 50, []), ("SmolLM2", "generate", "smollm2-135m-instruct", 150, ["--max-tokens", "16"]),
            ("MiniLM", "embed", "all-minilm-l6-v2", None, [])]

# A process that starts another inherits its own peak into it: a small one between measures the command's.
LAUNCHER = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss if status == 0 else -1, file=sys.stderr)
"""


def milliseconds(command):
    start = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdin.write(b"The harbour is open in winter.\n")
        process.stdin.close()
        process.stdout.read(1)
        return (time.perf_counter() - start) * 1000


def peak(command):
    result = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, *command], input="The harbour is open in winter.\n",
                            text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    return int(result.stderr.split()[-1]) / 1024


def rows(setting):
    models = [(name, command, setting.models / folder, bar, more) for name, command, folder, bar, more in COMMANDS]
    models += [(path.stem, "generate", path, None, ["--max-tokens", "1"]) for path in sorted((setting.peers / "models").glob("*-Q*.gguf"))]
    base = setting.peers / "models/marian-base/published"
    models += [("base", "translate", base, None, [])] if base.exists() else []
    for name, command, path, bar, more in models:
        whole = [str(setting.edic), command, "--model", str(path), "--precision", "int8", *more]
        if bar:
            taken = statistics.median([milliseconds(whole) for _ in range(5 * setting.rounds + 1)][1:])
            yield Row(f"{name}, command to first word, ms (bar {bar})", taken, bar, bar / taken, 1)
        files = [path] if path.is_file() else [file for file in path.iterdir() if file.suffix in (".bin", ".gguf", ".safetensors", ".spm")]
        size = sum(file.stat().st_size for file in files) / (1 << 20)
        most = statistics.median(peak(whole) for _ in range(setting.rounds))
        yield Row(f"{name}, peak memory, MiB, its files (bar 1.2)", most, size, most / size, None, "missed" if most > 1.2 * size else "")
