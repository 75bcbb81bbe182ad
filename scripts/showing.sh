# shellcheck shell=bash
# What the demos share: steps that are printed with their commands and with what each proves. MODULE is the module.

number=0

# Prints a command as one would type it, runs it, and shows its output indented.
show() {
    local status=0
    echo "   \$ ${*/#"$MODULE"/\$MODULE}"
    "$@" >out 2>&1 </dev/null || status=$?
    grep -av '^Using slot\|^warning: \|^$' out | sed 's/^/     /' || true
    return $status
}

tool() {
    show pkcs11-tool --module "$MODULE" "$@"
}

step() {
    number=$((number + 1))
    echo
    echo "$number. $1"
}

proves() {
    echo "   => $1"
}

die() {
    echo "   => WRONG: $1" >&2
    exit 1
}

# matches REGEX: whether the last command's output has such a line.
matches() {
    grep -aEq -- "$1" out || die "the output above has no line '$1'"
}

pkcs11_tool() {
    if ! tool "$@"; then
        die "the command failed"
    fi
}

plain_openssl() {
    if ! show openssl "$@"; then
        die "openssl refused"
    fi
}
