# Completion for weir(1) in bash.

# Process ids of programs under Weir.
_weir_pids()
{
    command weir ps 2>/dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }'
}

_weir()
{
    local word=${COMP_WORDS[COMP_CWORD]}
    local before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} i

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W 'run ps watch top tree peek list traces tags raw
            flame diff benchstat test diagnose report leaks why retained whois fds budgets pools
            threads serve
            record-allocs version help' \
            -- "$word"))
        return
    fi
    # After -- (or its first word) comes another program's command line.
    if [ "$command" = run ] || [ "$command" = record-allocs ]; then
        for ((i = 2; i < COMP_CWORD; i++)); do
            if [ "${COMP_WORDS[i]}" = -- ] &&
                declare -F _command_offset >/dev/null; then
                _command_offset $((i + 1))
                return
            fi
        done
    fi
    case $before in
    --http)
        COMPREPLY=($(compgen -W '127.0.0.1:0 127.0.0.1:6060' -- "$word"))
        return
        ;;
    -n | --interval)
        [ "$command" = watch ] || return
        COMPREPLY=($(compgen -W '0.5 1 2 10' -- "$word"))
        return
        ;;
    -s | --sample | --sort)
        if [ "$command" = watch ]; then
            COMPREPLY=($(compgen -W 'inuse change blocks allocs name' \
                -- "$word"))
            return
        fi
        COMPREPLY=($(compgen -W '0 1 65536 524288' -- "$word"))
        return
        ;;
    -i | --sample-index | -sample_index)
        COMPREPLY=($(compgen -W 'inuse_space inuse_objects alloc_space
            alloc_objects' -- "$word"))
        return
        ;;
    --fail-if)
        return
        ;;
    -o | --out | --output)
        local kind=-f
        [ "$command" = run ] && kind=-d
        COMPREPLY=($(compgen $kind -- "$word"))
        return
        ;;
    esac
    case $command in
    run)
        COMPREPLY=($(compgen -W '--http --allow-host --sample --limit --out
            --quiet --no-go-metrics --leaks --fail-on-leak --suppressions
            --regions --snapshot-at --collect --help --' -- "$word")
            $(compgen -c -- "$word"))
        ;;
    serve)
        COMPREPLY=($(compgen -W '--http --allow-host --keep --no-go-metrics
            --help' -- "$word"))
        ;;
    record-allocs)
        COMPREPLY=($(compgen -W '--out --quiet --help --' -- "$word")
            $(compgen -c -- "$word"))
        ;;
    watch)
        COMPREPLY=($(compgen -W "--interval --sort --once --json --help
            $(_weir_pids)" -- "$word"))
        ;;
    ps)
        COMPREPLY=($(compgen -W '--json --help' -- "$word"))
        ;;
    help)
        COMPREPLY=($(compgen -W 'run ps watch top tree peek list traces tags raw
            flame diff benchstat test diagnose report leaks why retained whois fds budgets pools
            threads serve
            record-allocs version' \
            -- "$word"))
        ;;
    flame)
        COMPREPLY=($(compgen -W "--output --svg --folded --speedscope --pprof
            --json -sample_index -lines -focus -ignore -hide -show -base
            -diff_base --help $(_weir_pids)" -- "$word")
            $(compgen -f -- "$word"))
        ;;
    diagnose)
        COMPREPLY=($(compgen -W "--no-search --for --lang --json --help
            $(_weir_pids)" -- "$word")
            $(compgen -f -- "$word"))
        ;;
    report)
        COMPREPLY=($(compgen -W "--json --out --help $(_weir_pids)" -- "$word")
            $(compgen -f -- "$word"))
        ;;
    leaks)
        COMPREPLY=($(compgen -W "--all --fail-on-leak --in-place --json --junit
            --mark --since-mark --no-search --only-copy --pprof --suppressions
            --suspects --help $(_weir_pids)" -- "$word")
            $(compgen -f -- "$word"))
        ;;
    budgets | pools)
        COMPREPLY=($(compgen -W "--json --help $(_weir_pids)" -- "$word"))
        ;;
    threads)
        COMPREPLY=($(compgen -W "--all --fail-on-deadlock --json --help
            $(_weir_pids)" -- "$word"))
        ;;
    fds)
        COMPREPLY=($(compgen -W "--all --json --pprof --help $(_weir_pids)" \
            -- "$word"))
        ;;
    why)
        COMPREPLY=($(compgen -W "--all --json --help $(_weir_pids)" -- "$word")
            $(compgen -f -- "$word"))
        ;;
    retained)
        COMPREPLY=($(compgen -W "--all --json --html --svg --pprof --help
            $(_weir_pids)" -- "$word")
            $(compgen -f -- "$word"))
        ;;
    whois)
        COMPREPLY=($(compgen -W "--json --help $(_weir_pids)" -- "$word")
            $(compgen -f -- "$word"))
        ;;
    diff)
        COMPREPLY=($(compgen -W "--fail-if --number --cum --json -sample_index
            -focus -ignore -hide -show --help $(_weir_pids)" -- "$word")
            $(compgen -f -- "$word"))
        ;;
    benchstat)
        COMPREPLY=($(compgen -W "--alpha --bench --confidence --csv
            --fail-if-worse --ignore --json --unit --help" -- "$word")
            $(compgen -f -- "$word"))
        ;;
    test)
        COMPREPLY=($(compgen -W "--memory --expect --expect-file --from --json
            --junit --help --" -- "$word") $(compgen -f -- "$word"))
        ;;
    top | tree | peek | list | traces | tags | raw)
        COMPREPLY=($(compgen -W "-sample_index -base -diff_base -normalize -seconds
            -focus -ignore -hide -show -show_from -tagfocus -tagignore -tagshow
            -taghide -cum -functions -filefunctions -files -lines -addresses
            -nodecount -nodefraction -edgefraction -trim=false -unit -divide_by
            -noinlines -drop_negative -relative_percentages -source_path
            -trim_path -symbolize=none --number --cum --json --help
            $(_weir_pids)" -- "$word")
            $(compgen -f -- "$word"))
        ;;
    esac
}
complete -F _weir weir
