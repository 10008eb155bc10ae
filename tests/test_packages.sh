#!/bin/sh
# Missing packages and files of another user: what make says before it compiles anything.
set -u
. tests/common.sh

# A machine without root and without sudo, where apt-get writes down what it is asked for.
mkdir "$scratch/bin" "$scratch/root"
printf '#!/bin/sh\necho 1000\n' >"$scratch/bin/id"
printf '#!/bin/sh\nexit 1\n' >"$scratch/bin/sudo"
printf '#!/bin/sh\necho 0\n' >"$scratch/root/id"
cat >"$scratch/bin/apt-get" <<END
#!/bin/sh
echo "\$*" >>"$scratch/asked"
[ ! -e "$scratch/apt-fails" ] || { echo "E: Unable to locate package" && exit 100; }
END
cp "$scratch/bin/apt-get" "$scratch/root"
chmod +x "$scratch"/bin/* "$scratch"/root/*

as_user() { PATH="$scratch/bin:$PATH" "$@" 2>&1 </dev/null; }
as_root() { PATH="$scratch/root:$PATH" "$@" 2>&1 </dev/null; }

test_nothing_missing() {
    why=
    said=$(as_user scripts/install-packages.sh patch binutils -- no-such-package) || why="status $?"
    result packages_that_are_there_are_passed_over_in_silence "$why$said"
}

# make, make train and make test want different packages, and name the same ones.
test_one_command() {
    why=
    for target in all train test; do
        # Two packages that no system has: the compiler and its OpenMP.
        said=$(as_user make "$target" CC=clang-999 SANITIZE=0 FASHION_MNIST= DATA=fashion-mnist) && why="$why $target went on;"
        echo "$said" | grep '^    apt-get update && apt-get install' >"$scratch/$target.command"
        cmp -s "$scratch/all.command" "$scratch/$target.command" || why="$why make $target: $said;"
    done
    for package in clang-999 libomp-999-dev; do
        grep -qw "$package" "$scratch/all.command" || why="$why $package is not named;"
    done
    [ "$(wc -l <"$scratch/all.command")" -eq 1 ] || why="$why not one line"
    result a_user_without_root_gets_one_command_for_all_targets "$why"

    why=
    said=$(as_user scripts/install-packages.sh absent-1 patch -- absent-1 patch absent-2) && why="accepted "
    echo "$said" | grep -qx 'Missing: absent-1' || why="$why$said "
    echo "$said" | grep -qx '    apt-get update && apt-get install absent-1 absent-2' || why="$why$said"
    said=$(as_user scripts/install-packages.sh absent-2 -- absent-1 patch absent-2) && why="$why accepted "
    echo "$said" | grep -qx '    apt-get update && apt-get install absent-1 absent-2' || why="$why another order: $said"
    result what_is_needed_later_is_named_too "$why"
}

test_root() {
    why=
    rm -f "$scratch/asked"
    said=$(as_root scripts/install-packages.sh absent-1 patch absent-2 -- absent-3) || why="$said "
    grep -q ' absent-1 absent-2$' "$scratch/asked" || why="$why$(cat "$scratch/asked")"
    ! grep -q 'absent-3' "$scratch/asked" || why="$why what is needed later was installed"
    result root_installs_what_is_missing_alone "$why"

    why=
    touch "$scratch/apt-fails"
    said=$(as_root scripts/install-packages.sh absent-1) && why="accepted "
    echo "$said" | grep -q 'E: Unable to locate package' || why="$why the reason is lost: $said "
    echo "$said" | grep -q 'apt-get install absent-1' || why="$why no advice: $said"
    rm "$scratch/apt-fails"
    result a_failing_installation_is_told_with_its_reason "$why"
}

# The same as after `sudo make`, for a user that owns nothing here. Root can write anything, so root becomes nobody.
test_owner() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "skip files_of_another_user_are_named: only root can make such files"
        return
    fi
    tree="$scratch/a tree"
    mkdir -p "$tree/scripts" "$tree/build/host" && cp scripts/check-writable.sh "$tree/scripts"
    chmod 755 "$scratch"
    if ! setpriv --reuid=nobody --clear-groups test -x "$tree/scripts/check-writable.sh"; then
        echo "skip files_of_another_user_are_named: nobody may not enter a folder above this one"
        return
    fi
    chown nobody "$tree" "$tree/build"
    touch "$tree/build/host/flags"
    why=
    said=$(setpriv --reuid=nobody --clear-groups "$tree/scripts/check-writable.sh" build 2>&1) && why="accepted "
    [ "$(echo "$said" | wc -l)" -eq 1 ] || why="$why not one line: $said"
    case $said in
        "build/host belongs to root, and nobody cannot write it"*"sudo chown -R nobody ."*) ;;
        *) why="$why$said" ;;
    esac
    result files_of_another_user_are_named "$why"

    # Copies of a read-only checkout are one's own, and are replaced rather than written.
    why=
    chown -R nobody "$tree/build" && chmod 444 "$tree/build/host/flags"
    said=$(setpriv --reuid=nobody --clear-groups "$tree/scripts/check-writable.sh" build missing 2>&1) || why="$said"
    result files_of_ones_own_may_be_read_only "$why"
}

# Each command that writes here begins with that check, before anything is installed or fetched.
test_order() {
    why=
    for target in all train test fuzz bench; do
        first=$(env -u MAKEFLAGS make -n "$target" 2>/dev/null | grep -m 1 -o 'scripts/[a-z-]*\.sh')
        [ "$first" = scripts/check-writable.sh ] || why="$why make $target begins with $first;"
    done
    result every_build_asks_first_whose_files_are_there "$why"
}

test_nothing_missing
test_one_command
test_root
test_owner
test_order
finish
