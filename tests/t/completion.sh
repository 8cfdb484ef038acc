#!/bin/sh
# Every command, option and setting is completed, by the program and in the shells themselves: bash, zsh and fish.
. "${srcdir:-.}/tests/t/lib.sh"
scripts=$(cd "$srcdir/contrib/completion" && pwd)
offers() { "$LFSPOOL" complete -- "$@" 2>/dev/null | cut -f1; }
expect_offers() { # WANTED WORD...
	wanted=$1; shift
	expect "$wanted" "$(offers "$@" | tr '\n' ' ')" "offers for: $*"
}

# All that --help and config know
for command in $("$LFSPOOL" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
	offers '' | grep -qx "$command" || fail "the command $command is not offered"
	for option in $("$LFSPOOL" "$command" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
		offers "$command" -- | grep -qx -e "$option" || fail "$option of $command is not offered"
	done
done
"$LFSPOOL" config | sed 's/ .*/=/' | sort >"$tmp/known"
offers run --set '' | sort >"$tmp/offered"
diff "$tmp/known" "$tmp/offered" >"$tmp/diff" || fail "settings that are not offered, or not known: $(cat "$tmp/diff")"

expect_offers 'status ' sta
expect_offers '--older-than ' purge --o
expect_offers 'v2 v3 v4 ' sink --profile ''
expect_offers '--profile=v3 ' sink --profile=v3
expect_offers 'mode=full mode=metadata_only mode=off ' run --set mode=
expect_offers 'sources=opencode,claude ' run --set sources=opencode,c
expect_offers 'enabled=true enabled=false ' run --set enabled=
expect_offers ':file ' run --set ca_file=
expect_offers ':file ' status --config ''
expect_offers ':dir ' sink --requests ''
expect_offers 'list show retry drop ' dead ''
expect_offers '' dead show ''
expect_offers 'retry ' dead --json re
expect_offers ':file ' ingest -- --x
expect_offers '' nonsense ''
expect_offers '' purge --older-than ''
mkdir -p "$XDG_CONFIG_HOME/lfspool"
echo 'mode = bogus' >"$XDG_CONFIG_HOME/lfspool/lfspool.conf"
expect_offers 'status ' sta # where it is needed most

# The shells, as one sits before them: what is typed, Tab, and what stands there then.
have tmux || skip "no tmux"
mkdir -p "$tmp/bin" "$tmp/folder/a-folder"
: >"$tmp/folder/a-file"
ln -s "$(cd "$(dirname "$LFSPOOL")" && pwd)/$(basename "$LFSPOOL")" "$tmp/bin/lfspool"
at() { tmux -S "$tmp/tmux.$shell" "$@" 2>/dev/null; }
cleanup_more() { for shell in bash zsh fish; do at kill-server; done; }
open_shell() { # COMMAND...
	(cd "$tmp/folder" && PATH="$tmp/bin:$PATH" TERM=screen LC_ALL=C.UTF-8 tmux -S "$tmp/tmux.$shell" -f /dev/null new-session -d -x 150 -y 50 "$@")
	shown 'ready\$'
}
shown() { # PATTERN
	n=0
	until at capture-pane -p | grep -q -e "$1"; do
		n=$((n + 1)); [ $n -lt 300 ] || fail "$shell does not show '$1' but: $(at capture-pane -p | grep .)"
		sleep 0.1
	done
}
types() { # TEXT PATTERN: Tab behind the text makes a line with the pattern of it
	at send-keys -l "$1"
	at send-keys Tab
	shown "$2"
	at send-keys C-e C-u # a menu may take the first
	at send-keys C-e C-u C-l
	shown '^ready\$ *$'
}
tries() {
	types 'lfspool stat' 'ready\$ lfspool status'
	types 'lfspool purge --older' 'lfspool purge --older-than'
	types 'lfspool sink --prof' 'lfspool sink --profile'
	types 'lfspool run --set trace_u' 'lfspool run --set trace_unit='
	types 'lfspool run --set mode=meta' 'lfspool run --set mode=metadata_only'
	types 'lfspool ingest a-fi' 'lfspool ingest a-file'
	types 'lfspool sink --requests a-f' 'lfspool sink --requests a-folder'
	types 'lfspool status --config=a-fi' 'lfspool status --config=a-file'
}
tried=''
shell=bash
if have bash; then
	printf '%s\n' "PS1='ready\$ '" "unset HISTFILE" ". '$scripts/lfspool.bash'" >"$tmp/bashrc"
	open_shell bash --noprofile --rcfile "$tmp/bashrc" -i
	tries
	tried=$shell
fi
shell=zsh
if have zsh; then
	mkdir -p "$tmp/zsh"
	printf '%s\n' "PS1='ready\$ '" "fpath=('$scripts' \$fpath)" 'autoload -Uz compinit' "compinit -u -d '$tmp/zsh/dump'" >"$tmp/zsh/.zshrc"
	open_shell env ZDOTDIR="$tmp/zsh" zsh -d -i
	tries
	tried="$tried $shell"
fi
shell=fish
if have fish; then
	mkdir -p "$XDG_CONFIG_HOME/fish"
	printf '%s\n' 'function fish_prompt; echo -n "ready\$ "; end' 'set -g fish_greeting' 'set -g fish_autosuggestion_enabled 0' ". '$scripts/lfspool.fish'" >"$XDG_CONFIG_HOME/fish/config.fish"
	open_shell fish -i
	tries
	tried="$tried $shell"
fi
echo "tried in: $tried"
exit 0
