"""Installs what the black-box suites need, once, into a cache folder that build trees share: Go tools, virtualenvs, npm trees, jars.

Every installer is idempotent and safe beside others (ctest runs suites in parallel): a lock file a tool, and a stamp that names its
inputs, so that a changed version reinstalls and an unchanged one costs a stat.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile


def run(command, **options):
    """Runs an install step; its output is shown only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nfailed with {done.returncode}:\n{done.stdout}")
    return done.stdout


def _digest(parts):
    digest = hashlib.sha256()
    for part in parts:
        if os.path.isdir(part):
            for folder, _, names in sorted(os.walk(part)):
                for name in sorted(names):
                    digest.update(name.encode() + b"\0")
                    with open(os.path.join(folder, name), "rb") as file:
                        digest.update(file.read())
        elif os.path.isfile(part):
            with open(part, "rb") as file:
                digest.update(file.read())
        else:
            digest.update(str(part).encode())
        digest.update(b"\1")
    return digest.hexdigest()


@contextlib.contextmanager
def _once(path, inputs):
    """Yields True if `path` has to be (re)made from `inputs`; stamps it when the block succeeds."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        want = _digest(inputs)
        stamp = path + ".stamp"
        have = open(stamp).read() if os.path.exists(stamp) and os.path.exists(path) else ""
        if have == want:
            yield False
            return
        yield True
        with open(stamp, "w") as file:
            file.write(want)


def go_binary(cache, module, package, name, edits=None):
    """Builds `package` of the Go module in folder `module`; returns the binary's path. `edits`, where a dependency has no flag for what has to be
    otherwise, are that dependency and (file in it, text, what stands there instead)…"""
    path = os.path.join(cache, "go", name)
    sources = sorted(os.path.join(module, f) for f in os.listdir(module) if f.endswith((".go", ".mod", ".sum")))
    with _once(path, [*sources, package, *([repr(edits)] if edits else [])]) as build:
        if build:
            print(f"building {name} …", flush=True)
            with tempfile.TemporaryDirectory() as folder:
                run(["go", "build", *(_edited(folder, module, *edits) if edits else []), "-o", path, package], cwd=module)
    return path


def _edited(folder, module, dependency, *edits):
    """Makes an edited copy of a dependency in `folder`; returns the flags of `go build` that make it take that one."""
    copy = os.path.join(folder, "dependency")
    shutil.copytree(go_module_dir(module, dependency), copy, copy_function=shutil.copyfile)
    for file, old, new in edits:
        with open(os.path.join(copy, file)) as source:
            text = source.read()
        if old not in text:
            sys.exit(f"{dependency}/{file} does not have what is to be edited: {old}")
        with open(os.path.join(copy, file), "w") as source:
            source.write(text.replace(old, new))
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(os.path.join(module, name), os.path.join(folder, name))
    with open(os.path.join(folder, "go.mod"), "a") as mod:
        mod.write(f"\nreplace {dependency} => {copy}\n")
    return ["-modfile", mod.name]


def go_module_dir(module, dependency):
    """Where the Go tool keeps the sources of a dependency of the module in folder `module`."""
    run(["go", "mod", "download", dependency], cwd=module)
    return run(["go", "list", "-m", "-f", "{{.Dir}}", dependency], cwd=module).strip()


def python_env(cache, requirements):
    """A virtualenv with the packages of a requirements file; returns its python. Files of the same content share one."""
    path = os.path.join(cache, "venv", _digest([requirements])[:16])
    with _once(path, [requirements, sys.version]) as build:
        if build:
            print(f"installing {requirements} …", flush=True)
            shutil.rmtree(path, ignore_errors=True)
            run([sys.executable, "-m", "venv", path])
            run([os.path.join(path, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", requirements])
    return os.path.join(path, "bin", "python")


def npm_tree(cache, name, package_json):
    """A folder with node_modules of a package.json (exact versions, no lock file); returns the folder."""
    path = os.path.join(cache, "npm", name)
    with _once(path, [package_json]) as build:
        if build:
            print(f"installing {package_json} …", flush=True)
            shutil.rmtree(path, ignore_errors=True)
            os.makedirs(path)
            shutil.copy(package_json, os.path.join(path, "package.json"))
            run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], cwd=path)
    return path


def maven_classpath(cache, name, pom):
    """Resolves the runtime class path of a pom.xml; returns it as one string."""
    path = os.path.join(cache, "maven", name + ".classpath")
    with _once(path, [pom]) as build:
        if build:
            print(f"resolving {pom} …", flush=True)
            run(["mvn", "-B", "-q", "-f", pom, "dependency:build-classpath", "-Dmdep.outputFile=" + path])
    with open(path) as file:
        return file.read().strip()


def _debian_source(release):
    """The archive this machine itself installs from, as a deb822 stanza for another release."""
    targets = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"])
    for line in targets.splitlines():
        uri, has, component = line.split()
        if has == "bookworm" and component == "main":
            return (f"Types: deb\nURIs: {uri}\nSuites: {release}\nComponents: main\n"
                    "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n")
    sys.exit(f"apt has no source for Debian 12 (bookworm) main, so there is none to take packages of {release} from")


def debian_packages(cache, release, packages):
    """Unpacks packages of another Debian release, without installing anything; returns the folder that stands for /."""
    path = os.path.join(cache, "debian", f"{release}-{'-'.join(packages)}")
    with _once(path, [release, *packages]) as build:
        if build:
            print(f"fetching {', '.join(packages)} of {release} …", flush=True)
            shutil.rmtree(path, ignore_errors=True)
            for folder in ("state/partial", "cache/archives/partial", "debs"):
                os.makedirs(os.path.join(path, folder))
            with open(os.path.join(path, "release.sources"), "w") as file:
                file.write(_debian_source(release))
            options = {"Dir::Etc::sourcelist": f"{path}/release.sources", "Dir::Etc::sourceparts": "/dev/null",
                       "Dir::State::lists": f"{path}/state", "Dir::Cache": f"{path}/cache", "APT::Sandbox::User": "",
                       "Acquire::Languages": "none"}
            apt = ["apt-get", "-q", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
            run([*apt, "update"])
            run([*apt, "download", *packages], cwd=os.path.join(path, "debs"))
            for package in os.listdir(os.path.join(path, "debs")):
                run(["dpkg", "-x", os.path.join(path, "debs", package), os.path.join(path, "root")])
            for folder in ("state", "cache", "debs"):
                shutil.rmtree(os.path.join(path, folder))
    return os.path.join(path, "root")
