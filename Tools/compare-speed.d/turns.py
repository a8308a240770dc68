"""Contenders that take turns, and the rows that come of it."""
import dataclasses, json, os, pathlib, statistics, subprocess, time


@dataclasses.dataclass
class Setting:
    peers: pathlib.Path
    edic: pathlib.Path
    models: pathlib.Path
    texts: pathlib.Path | None
    rounds: int
    threads: list

    def sentences(self, count):
        """Sentences of the file that was named, or of FLORES' development set where EDIC_SHARED has it."""
        path = self.texts or pathlib.Path(os.environ.get("EDIC_SHARED", "../shared")) / "data/flores/flores-dev.en"
        return path.read_text().splitlines()[:count]


@dataclasses.dataclass
class Row:
    work: str
    edic: float
    peer: float
    ratio: float
    bar: float | None
    note: str = ""

    def __str__(self):
        verdict = "" if self.bar is None else "" if self.ratio >= self.bar else " missed"
        bar = "" if self.bar is None else f"{self.bar:5.2f}"
        return f"{self.work:44} {self.edic:10.1f} {self.peer:10.1f}  {self.ratio:6.2f}  {bar:>5}{verdict}  {self.note}"


def in_turn(rounds, contenders):
    """Each contender's rates, a round after the other, after one that does not count."""
    rates = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            rate = run()
            if number:
                rates[name].append(rate)
    return {name: statistics.median(values) for name, values in rates.items()}


def row(work, rates, bar, note=""):
    """Beside the best of the peers."""
    peer = max((name for name in rates if name != "edic"), key=rates.get)
    others = "".join(f", {name} {rates[name]:.1f}" for name in rates if name not in ("edic", peer))
    return Row(work, rates["edic"], rates[peer], rates["edic"] / rates[peer], bar, f"{peer}{others}{note}")


def build(*command):
    """Makes something once; what goes wrong is shown."""
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"compare-speed: {' '.join(result.args)} failed:\n{result.stderr[-2000:]}")


def seconds(command, text):
    """How long a command takes over a text on its standard input, and what it says."""
    start = time.perf_counter()
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, result.stdout


def without_opening(command, lines, amount):
    """A rate of `amount` over all lines but the first, from a run over all and one over the first: a closure that a round calls."""
    def run():
        whole, _ = seconds(command, "".join(line + "\n" for line in lines))
        opening, _ = seconds(command, lines[0] + "\n")
        return amount / (whole - opening)
    return run


class Conversation:
    """A command that stays open and answers each line with a line, as a person or a program waits for it."""

    def __init__(self, command, lines):
        self.lines = lines
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.said = self.answers()

    def answers(self):
        said = []
        for line in self.lines:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            said.append(self.process.stdout.readline())
        return said

    def rate(self, amount):
        def run():
            start = time.perf_counter()
            self.answers()
            return amount / (time.perf_counter() - start)
        return run

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Worker:
    """A peer in a process of its own, which says how long one go took each time it is asked."""

    def __init__(self, python, script, *arguments, environment=None):
        folder = pathlib.Path(__file__).parent
        self.process = subprocess.Popen(
            [str(python), str(folder / script), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, **(environment or {})})
        self.said = self.answer()

    def answer(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"{self.process.args[1]} ended with {self.process.wait()}")

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.answer()

    def rate(self, amount):
        return lambda: amount / self.go()["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def serve(work):
    """A worker's loop: `work` once at the start, whose result is said, then once for each line, timed."""
    import sys
    print(json.dumps({"output": work()}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        work()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


def agreement(ours, theirs):
    return sum(a.strip() == b.strip() for a, b in zip(ours, theirs)) / max(1, len(theirs))
