"""A whole command up to its first word, its files in the system's cache; and the most memory that it has, beside its file."""
import pathlib, platform, statistics, subprocess, sys, time
from turns import Row, fail, output

COMMANDS = [("student", "translate", "en-pt", 50, []), ("SmolLM2", "generate", "smollm2-135m-instruct", 150, ["--max-tokens", "16"]),
            ("MiniLM", "embed", "all-minilm-l6-v2", None, [])]

TEXT = "The harbour is open in winter.\n"

# A process that starts another inherits its own peak into it: a small one between measures the command's.
LAUNCHER = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print("\\npeak", usage.ru_maxrss)
sys.exit(status != 0)
"""


def milliseconds(command):
    start = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            process.stdin.write(TEXT.encode())
            process.stdin.close()
        except BrokenPipeError:
            pass
        first = process.stdout.read(1)
        taken = (time.perf_counter() - start) * 1000
        process.stdout.read()
        errors = process.stderr.read().decode()
    if not first or process.returncode:
        fail(command, errors)
    return taken


def peak(command):
    """In MiB."""
    most = int(output([sys.executable, "-S", "-c", LAUNCHER, *command], TEXT).split()[-1])
    return most / (1 << 20 if platform.system() == "Darwin" else 1 << 10)


def rows(setting):
    models = [(name, command, setting.models / folder, bar, more) for name, command, folder, bar, more in COMMANDS]
    models += [(path.stem, "generate", path, None, ["--max-tokens", "1"]) for path in sorted((setting.peers / "models").glob("*-Q*.gguf"))]
    base = setting.peers / "models/marian-base/published"
    models += [("base", "translate", base, None, [])] if base.exists() else []
    for name, command, path, bar, more in models:
        whole = [str(setting.edic), command, "--model", str(path), "--precision", "int8", *more]
        if bar:
            taken = statistics.median([milliseconds(whole) for _ in range(5 * setting.rounds + 1)][1:])
            yield Row(f"{name}, command to first word, ms", taken, bar, bar / taken, 1, "of the bar")
        files = [path] if path.is_file() else [file for file in path.iterdir() if file.suffix in (".bin", ".gguf", ".safetensors", ".spm")]
        size = sum(file.stat().st_size for file in files) / (1 << 20)
        most = statistics.median(peak(whole) for _ in range(setting.rounds))
        yield Row(f"{name}, peak memory, MiB, and its files", most, 1.2 * size, 1.2 * size / most, 1, f"{most / size:.2f} times its files")
