# Completion of mudot's commands, keys and values for bash. The installed file begins with the texts
# of its mudot, which the Makefile puts there; this one asks the mudot on the line for them, once:
#
#     source scripts/mudot-completion.bash

# The program's own texts: mudot help all, mudot list.
_mudot_load() {
  [ -n "${_mudot_manual-}" ] && return
  _mudot_manual=$("$1" help all 2>/dev/null)
  _mudot_lists=$("$1" list 2>/dev/null)
}

# The rows of a table of `mudot list`, without what stands under them.
_mudot_rows() {
  local line inside=
  while IFS= read -r line; do
    case $line in
      "   "*) ;;
      "  "*) [ -z "$inside" ] || printf '%s\n' "${line#  }" ;;
      *) [ -z "$inside" ] || return 0; [ "$line" != "$1" ] || inside=1 ;;
    esac
  done <<<"$_mudot_lists"
}

# The names in a table.
_mudot_names() {
  local name _
  _mudot_rows "$1" | while read -r name _; do echo "$name"; done
}

# The keys that the names of a table have of their own: ridge_stein_ridge, stein_kernel_bandwidth.
_mudot_own() {
  local line inside= name word _ kernel
  kernel=$(_mudot_names keys | sed -n 's/^kernel_//p')
  while IFS= read -r line; do
    case $line in
      "      "*)
        [ -n "$inside" ] || continue
        read -r word _ <<<"$line"
        if [ "$word" = kernel ]; then
          while IFS= read -r word; do echo "${name}_kernel_$word"; done <<<"$kernel"
        else
          echo "${name}_$word"
        fi
        ;;
      "  "*) read -r name _ <<<"$line" ;;
      *) [ -z "$inside" ] || return 0; [ "$line" != "$1" ] || inside=1 ;;
    esac
  done <<<"$_mudot_lists"
}

# The help of a command; its first line is the usage.
_mudot_help() {
  local line inside=
  while IFS= read -r line; do
    case $line in
      "mudot $1" | "mudot $1 "*) inside=1 ;;
      "mudot "[a-z]*) [ -z "$inside" ] || return 0 ;;
    esac
    [ -z "$inside" ] || printf '%s\n' "$line"
  done <<<"$_mudot_manual"
}

# The options of a command: in brackets in its usage, and at the beginning of the lines of its help.
# -energy_NAME stands for an option per name, -energy_NAME_KEY for those of single names.
_mudot_options() {
  local line word words
  echo --help
  _mudot_help "$1" | {
    read -ra words
    for word in "${words[@]}"; do
      word=${word#[}
      case ${word%]} in -key) ;; -*) echo "${word%]}" ;; esac
    done
    while IFS= read -r line; do
      [[ $line =~ ^\ {2,4}- ]] || continue
      read -ra words <<<"$line"
      for word in "${words[@]}"; do
        case $word in
          -energy_NAME) _mudot_names energies | sed 's/^/-energy_/' ;;
          -geometry_NAME) _mudot_names geometries | sed 's/^/-geometry_/' ;;
          -energy_NAME_KEY) _mudot_own energies | sed 's/^/-energy_/' ;;
          -geometry_NAME_KEY) _mudot_own geometries | sed 's/^/-geometry_/' ;;
          -*_NAME) _mudot_names keys | sed -n "s/^${word:1:-4}/-&/p" ;;
          -[a-z]*) echo "$word" ;;
          *) break ;;
        esac
      done
    done
  }
}

# What an option takes: a row of the table of keys, or a line of the command's help or usage.
_mudot_row_of() {
  local name=${2#-} line
  case $name in energy_*_kernel_* | geometry_*_kernel_*) name=kernel_${name##*_kernel_} ;; esac
  _mudot_rows keys | while IFS= read -r line; do
    case $line in "$name "*) printf '%s\n' "$line" ;; esac
  done | grep . && return
  _mudot_help "$1" | while IFS= read -r line; do
    case $line in
      "  -$name "*) printf '%s\n' "${line#  -}" ;;
      *"[-$name "*) line=${line#*"[-$name "}; printf '%s\n' "$name ${line%%]*}" ;;
    esac
  done | head -n 1
}

# The values that a row names: a|b|c, a table ("mudot list TABLE"), files, directories, keys.
# Says nothing for numbers and free text, and @files, @directories for those.
_mudot_values() {
  local row=$1 name=${1%% *} word words
  if [[ $row =~ mudot\ list\ ([a-z_]+) && $row != *_NAME\ * ]]; then
    _mudot_names "${BASH_REMATCH[1]}"
    return
  fi
  case $name in
    *file | *_mask | study_case) echo @files ;;
    *directory | *_reference) echo @directories ;;
    output) [[ $row != *" FILE"* ]] || echo @files ;;
    study_vary) _mudot_names keys ;;
    *)
      read -ra words <<<"$row"
      for word in "${words[@]}"; do
        [[ $word =~ ^[a-z0-9_]+(\|[a-z0-9_]+)+$ ]] && tr '|' '\n' <<<"$word"
      done
      ;;
  esac
}

# The arguments of a command without a dash, from its usage.
_mudot_arguments() {
  local usage
  usage=$(_mudot_help "$1" | head -n 1)
  case $usage in *.yaml*) echo '@*.yaml' ;; esac
  case $usage in *.h5*) echo '@*.h5' ;; esac
  case $usage in *PARTICLES*) echo @files ;; esac
  case $usage in *DIRECTORY*) echo @directories ;; esac
  case $usage in *TABLE*) grep '^[a-z]' <<<"$_mudot_lists" ;; esac
  case $usage in *"[COMMAND|CHAPTER|all]"*) _mudot_names commands; _mudot_names chapters; echo all ;; esac
}

_mudot_reply() {
  local offered=$1 before=$2 word file
  while IFS= read -r word; do
    case $word in
      "") ;;
      @directories) while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -d -- "$cur") ;;
      @files) while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$cur") ;;
      @*)
        while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -X "!${word#@}" -- "$cur")
        while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -d -- "$cur")
        ;;
      *) case $before$word in "$cur"*) COMPREPLY+=("$before$word") ;; esac ;;
    esac
    case $word in @*) compopt -o filenames 2>/dev/null || : ;; esac
  done <<<"$offered"
}

_mudot() {
  local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command='' before='' row values k
  COMPREPLY=()
  _mudot_load "${COMP_WORDS[0]}"
  for ((k = 1; k < COMP_CWORD; ++k)); do
    case ${COMP_WORDS[k]} in -*) ;; *) command=${COMP_WORDS[k]}; break ;; esac
  done
  if [ -z "$command" ]; then
    _mudot_reply "$(_mudot_names commands)
--help
--version"
    return
  fi
  if [[ $cur == -[a-z-]* || $cur == - ]]; then
    _mudot_reply "$(_mudot_options "$command" | sort -u)"
    return
  fi
  if [[ $previous == -[a-z]* ]]; then
    row=$(_mudot_row_of "$command" "$previous")
    values=$(_mudot_values "$row")
    case $cur in *,*) before=${cur%,*}, ;; esac
    case $row in *"true|false"*) values+=$'\n'$(_mudot_arguments "$command") ;; esac
    _mudot_reply "$values" "$before"
    return
  fi
  _mudot_reply "$(_mudot_arguments "$command")"
}

complete -F _mudot mudot
