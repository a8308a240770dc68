"""Contenders that take turns, and the rows that come of it."""
import dataclasses, json, os, pathlib, statistics, subprocess, sys, tempfile, time


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
    bar: float
    note: str = ""

    @property
    def missed(self):
        return self.ratio < self.bar

    def __str__(self):
        return (f"{self.work:44} {self.edic:10.1f} {self.peer:10.1f}  {self.ratio:6.2f}  {self.bar:5.2f}"
                f"{' missed' if self.missed else ''}  {self.note}")


def fail(command, errors):
    """Ends with the command and the last line of what it said of its failure."""
    lines = errors.strip().splitlines() or ["it says nothing"]
    sys.exit(f"compare-speed: {' '.join(map(str, command))}: {lines[-1]}")


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


def output(command, text=""):
    """What a command says, with a text on its standard input."""
    result = subprocess.run(list(map(str, command)), input=text, capture_output=True, text=True)
    if result.returncode:
        fail(result.args, result.stderr)
    return result.stdout


def seconds(command, text):
    start = time.perf_counter()
    output(command, text)
    return time.perf_counter() - start


def without_opening(command, threads, lines, amount, one_at_a_time=()):
    """A rate over all lines, the time over none taken off: what two lines a thread take more than one is what that one takes."""
    def text(count):
        return "".join(line + "\n" for line in lines[:count])

    def run():
        whole = seconds(command, text(len(lines)))
        alone = [*command, *one_at_a_time]
        opening = 2 * seconds(alone, text(threads)) - seconds(alone, text(2 * threads))
        return amount / (whole - opening)
    return run


class Partner:
    """A process that stays open, and what it says of its failure."""

    def __init__(self, command, environment=None):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True, env={**os.environ, **(environment or {})})

    def say(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.fail()

    def hear(self):
        line = self.process.stdout.readline()
        return line if line else self.fail()

    def fail(self):
        self.process.wait()
        self.errors.seek(0)
        fail(self.process.args, self.errors.read())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Conversation(Partner):
    """A command that answers each line with a line, as a person or a program waits for it."""

    def __init__(self, command, lines):
        super().__init__(command)
        self.lines = lines
        self.said = self.answers()

    def answers(self):
        said = []
        for line in self.lines:
            self.say(line)
            said.append(self.hear())
        return said

    def rate(self, amount):
        def run():
            start = time.perf_counter()
            self.answers()
            return amount / (time.perf_counter() - start)
        return run


class Worker(Partner):
    """A peer in a process of its own, which says how long one go took each time it is asked."""

    def __init__(self, python, script, *arguments, threads):
        super().__init__([python, pathlib.Path(__file__).parent / script, *arguments],
                         {name: str(threads) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")})
        self.said = self.answer()

    def answer(self):
        # Some engines talk to the standard output, too.
        while not (line := self.hear()).startswith("{"):
            pass
        return json.loads(line)

    def rate(self, amount):
        def run():
            self.say("go")
            return amount / self.answer()["seconds"]
        return run


def serve(work):
    """A worker's loop: `work` once at the start, whose result is said, then once for each line, timed."""
    print(json.dumps({"output": work()}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        work()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


def agreement(ours, theirs):
    return sum(a.strip() == b.strip() for a, b in zip(ours, theirs)) / max(1, len(theirs))
