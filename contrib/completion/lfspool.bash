# Completion for bash (3.2 or newer): asks the program itself.
# shellcheck shell=bash
_lfspool() {
	local line=${COMP_LINE:0:COMP_POINT} words=() current candidate kept
	read -ra words <<<"$line"
	case $line in *[[:space:]]) words+=("") ;; esac
	current=${words[${#words[@]}-1]}
	# bash replaces what is behind the last = or : only.
	kept=${current%"${current##*[=:]}"}
	COMPREPLY=()
	while IFS= read -r candidate; do
		candidate=${candidate%%$'\t'*}
		case $candidate in
		:file|:dir)
			while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen "-${candidate:1:1}" -- "${current#"$kept"}")
			compopt -o filenames 2>/dev/null ;;
		*)
			COMPREPLY+=("${candidate#"$kept"}")
			case $candidate in *=) compopt -o nospace 2>/dev/null ;; esac ;;
		esac
	done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _lfspool lfspool
