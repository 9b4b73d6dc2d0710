# Shared by ./airlock and ./test: finds (or installs) a JDK 25 and Maven. Sourced, never run.
# Sets: JDK (its home). Says on stderr what it installs; on failure one line and exit 2.

say() { printf 'airlock: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

# True for the home of a JDK (not a bare runtime) of version 25, by its release file: no JVM is started to ask.
is_jdk25() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] && grep -q '^JAVA_VERSION="25[."+-]' "$1/release"
}

find_jdk() {
    local candidate path_java
    path_java=$(command -v java || true)
    [ -z "$path_java" ] || path_java=$(dirname "$(dirname "$(readlink -f "$path_java")")")
    for candidate in "${JAVA_HOME:-}" /usr/lib/jvm/*25* /usr/lib/jvm/* /opt/java/* /opt/jdk* /opt/*jdk*25* \
        "${HOME:-/nonexistent}"/.sdkman/candidates/java/25* "${HOME:-/nonexistent}"/.jdks/*25* "$path_java"; do
        if [ -n "$candidate" ] && is_jdk25 "$candidate"; then
            JDK=$candidate
            return 0
        fi
    done
    return 1
}

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# The first of the named Debian packages that the machine's apt sources offer; empty if none.
offered() {
    local package
    for package in "$@"; do
        if apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [0-9]'; then
            printf '%s' "$package"
            return 0
        fi
    done
    return 1
}

apt_updated=
apt_install() {
    [ -n "$apt_updated" ] || { say "reading the package lists (apt-get update)"; apt-get update -qq >&2 || true; apt_updated=1; }
    say "installing $* (apt-get)"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

need_jdk() {
    find_jdk && return 0
    if can_install; then
        local package
        package=$(offered openjdk-25-jdk-headless temurin-25-jdk) || {
            apt-get update -qq >&2 || true
            apt_updated=1
            package=$(offered openjdk-25-jdk-headless temurin-25-jdk)
        }
        [ -z "$package" ] || { apt_install "$package" && find_jdk && return 0; }
    fi
    die "no JDK 25 found in JAVA_HOME, /usr/lib/jvm, /opt, ~/.sdkman or PATH: install one (openjdk-25-jdk-headless or Temurin 25) and set JAVA_HOME"
}

need_maven() {
    command -v mvn >/dev/null && return 0
    if can_install && apt_install maven && command -v mvn >/dev/null; then return 0; fi
    die "Maven 3.8.7 or later is needed to build: install it (Debian/Ubuntu: apt-get install maven)"
}
