# Completion for fish: asks the program itself, whose lines are as fish wants them.
function __lfspool_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	set -l program $words[1]
	set -e words[1]
	set -l value (string replace -r '^.*=' '' -- $current)
	set -l lead (string replace -r '[^=]*$' '' -- $current)
	for line in ($program complete -- $words $current 2>/dev/null)
		switch $line
			case :file
				printf '%s\n' $lead(__fish_complete_path $value)
			case :dir
				printf '%s\n' $lead(__fish_complete_directories $value)
			case '*'
				printf '%s\n' $line
		end
	end
end
complete -c lfspool -f -a '(__lfspool_complete)'
