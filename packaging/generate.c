/* SPDX-License-Identifier: Apache-2.0
 *
 * packaging/generate.c - man pages (as scdoc's source) and shell completions, from the tables of
 * commands and options: so they cannot say anything else than --help.
 *
 *   generate man              logcaster(1)
 *   generate man COMMAND      logcaster-COMMAND(1)
 *   generate man config       logcaster.yaml(5)
 *   generate bash|zsh         a completion
 *   generate texts            what the tables say to people, as msgids (gettext's PO format)
 *
 * WHO     The build; it is not installed.
 */
#include <ctype.h>
#include <stdlib.h>

#include "cli/command.h"

/* ---- man pages ---- */

/* Text in which scdoc shall see no markup. */
static void put_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '*' || *text == '_')
            putchar('\\');
        putchar(*text);
    }
}

static void put_heading(const char *text)
{
    printf("\n# %s\n\n", text);
}

static bool says_all(const char *help, const char *const *choices)
{
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (strstr(help, choices[i]) == NULL)
            return false;
    }
    return true;
}

static void put_limits(const struct lc_option *row)
{
    if (row->fallback != NULL && row->fallback[0] != '\0') {
        printf(" Default: ");
        put_text(row->fallback);
        putchar('.');
    }
    if (row->max != 0 && row->kind == LC_OPTION_COUNT)
        printf(" From %llu to %llu.", (unsigned long long)row->min, (unsigned long long)row->max);
    if (row->choices == NULL || says_all(row->help, row->choices))
        return;
    for (size_t i = 0; row->choices[i] != NULL; i++)
        printf("%s%s", i == 0 ? " One of " : ", ", row->choices[i]);
    putchar('.');
}

static void put_option(const struct lc_option_ref *o, const char *name, const char *before)
{
    if (before[0] == '-' && o->row->letter != 0)
        printf("*-%c*, ", o->row->letter);
    printf("*%s", before);
    put_text(name);
    putchar('*');
    if (o->row->value != NULL) {
        printf(" _");
        put_text(o->row->value);
        putchar('_');
    }
    printf("\n\t%c", toupper((unsigned char)o->row->help[0]));
    put_text(o->row->help + 1);
    putchar('.');
    put_limits(o->row);
    printf("\n\n");
}

/* All options of a set under the headings of their groups. */
static void put_options(const struct lc_option_set *set, bool as_keys)
{
    const struct lc_option_group *group = NULL;
    struct lc_option_ref ref = {0};
    char name[LC_OPTION_NAME_MAX];
    while (lc_option_next(set, &ref)) {
        if (as_keys && (ref.row->flags & LC_OPTION_NO_FILE) != 0)
            continue;
        if (ref.group != group) {
            printf("## %s\n\n", ref.group->title);
            if (ref.group->about != NULL) {
                put_text(ref.group->about);
                printf("\n\n");
            }
        }
        group = ref.group;
        if (as_keys)
            lc_option_key(&ref, name);
        else
            lc_option_name(&ref, name);
        put_option(&ref, name, as_keys ? "" : "--");
    }
}

static void put_see_also(const char *but)
{
    put_heading("SEE ALSO");
    printf("*logcaster*(1)");
    for (size_t i = 0; lc_commands[i] != NULL; i++) {
        if (strcmp(lc_commands[i]->name, but) != 0)
            printf(", *logcaster-%s*(1)", lc_commands[i]->name);
    }
    printf("%s\n\nThe protocols, the query language and everything else are explained in "
           "_/usr/share/doc/logcaster_.\n",
           strcmp(but, "config") != 0 ? ", *logcaster.yaml*(5)" : "");
}

static void put_overview(void)
{
    printf("logcaster(1)\n\n# NAME\n\nlogcaster - take logs over sockets, keep them safe on disk, "
           "find them again\n\n# SYNOPSIS\n\n*logcaster* _COMMAND_ [_OPTION_...] [_OPERAND_...]++\n"
           "*logcaster help* [_COMMAND_]++\n*logcaster version*\n\n# DESCRIPTION\n\n"
           "A LogCaster server takes log records in many protocols, acknowledges what is safe on "
           "disk, and answers queries. The same program sends, asks and follows.\n\n"
           "# COMMANDS\n\n");
    for (size_t i = 0; lc_commands[i] != NULL; i++) {
        printf("*logcaster-%s*(1)\n\t", lc_commands[i]->name);
        put_text(lc_commands[i]->summary);
        printf(".\n\n");
    }
    put_heading("EXIT STATUS");
    printf(
        "0 if something was done or found, 1 if nothing was found, 2 if there was an error, which "
        "is told on standard error.\n");
    put_see_also("");
}

static void put_command(const struct lc_command *c)
{
    printf("logcaster-%s(1)\n\n# NAME\n\nlogcaster-%s - ", c->name, c->name);
    put_text(c->summary);
    printf("\n\n# SYNOPSIS\n\n*logcaster %s* [_OPTION_...] ", c->name);
    put_text(c->operands);
    printf("\n\n# DESCRIPTION\n\n");
    put_text(c->text);
    printf(
        "\n\nEach option can also stand in a file (*--config*, see *logcaster.yaml*(5)) or in the "
        "environment (*--data-dir* would be *LOGCASTER\\_DATA\\_DIR*); the command line counts "
        "most, the file least.\n");
    put_heading("OPTIONS");
    put_options(c->options, false);
    put_heading("EXAMPLES");
    printf("```\n%s```\n", c->examples);
    put_see_also(c->name);
}

static const struct lc_command *find(const char *name)
{
    for (size_t i = 0; lc_commands[i] != NULL; i++) {
        if (strcmp(lc_commands[i]->name, name) == 0)
            return lc_commands[i];
    }
    fprintf(stderr, "generate: no command '%s'\n", name);
    exit(2);
}

static void put_config(void)
{
    printf(
        "logcaster.yaml(5)\n\n# NAME\n\nlogcaster.yaml - configuration of a LogCaster server\n\n"
        "# DESCRIPTION\n\nA YAML file of the options of *logcaster-serve*(1). What has a section "
        "there, as *logs.listen*, stands below the section's name:\n\n"
        "```\nretain-size: 20G\nlogs:\n  listen:\n    - :9999\n    - :514\n```\n\n"
        "*logcaster check-config* says whether a file is right, with line and column of what is "
        "not. SIGHUP makes the server read the file again; it tells what has changed and what "
        "needs a restart.\n\n"
        "_${NAME}_ in a value is replaced by that variable of the environment, _${NAME:-text}_ by "
        "the text where there is no such variable, and _$$_ by a dollar sign.\n\n# KEYS\n\n");
    put_options(find("serve")->options, true);
    put_heading("FILES");
    printf("_/etc/logcaster/logcaster.yaml_\n\tread by the system's service.\n");
    put_see_also("config");
}

/* ---- completions ---- */

/* What a shell offers for an option's value. */
enum offer { OFFER_NOTHING, OFFER_FILES, OFFER_DIRS, OFFER_CHOICES };

static enum offer offer_of(const struct lc_option *row)
{
    if (row->choices != NULL)
        return OFFER_CHOICES;
    if (row->value == NULL)
        return OFFER_NOTHING;
    if (strcmp(row->value, "DIR") == 0)
        return OFFER_DIRS;
    return strcmp(row->value, "FILE") == 0 ? OFFER_FILES : OFFER_NOTHING;
}

static void put_bash_value(const struct lc_option_ref *o)
{
    char name[LC_OPTION_NAME_MAX];
    lc_option_name(o, name);
    if (o->row->value == NULL)
        return;
    printf("        --%s", name);
    if (o->row->letter != 0)
        printf(" | -%c", o->row->letter);
    switch (offer_of(o->row)) {
    case OFFER_CHOICES:
        printf(") offer=words words='");
        for (size_t i = 0; o->row->choices[i] != NULL; i++)
            printf("%s%s", i == 0 ? "" : " ", o->row->choices[i]);
        printf("' ;;\n");
        break;
    case OFFER_DIRS:
        printf(") offer=dirs ;;\n");
        break;
    case OFFER_FILES:
        printf(") offer=files ;;\n");
        break;
    default:
        printf(") offer=nothing ;;\n");
        break;
    }
}

static void put_bash_command(const struct lc_command *c)
{
    struct lc_option_ref ref = {0};
    char name[LC_OPTION_NAME_MAX];
    printf("    %s)\n        options='", c->name);
    while (lc_option_next(c->options, &ref)) {
        lc_option_name(&ref, name);
        printf("--%s ", name);
    }
    printf("'\n        case $previous in\n");
    for (ref = (struct lc_option_ref){0}; lc_option_next(c->options, &ref);)
        put_bash_value(&ref);
    printf("        esac\n        ;;\n");
}

static void put_bash(void)
{
    printf("# bash completion for logcaster(1). Made from its table of options.\n"
           "_logcaster() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    local offer=files options= words=\n"
           "    # bash takes --name=value apart at the equals sign\n"
           "    [ \"$current\" = = ] && current=\n"
           "    [ \"$previous\" = = ] && previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        words='");
    for (size_t i = 0; lc_commands[i] != NULL; i++)
        printf("%s ", lc_commands[i]->name);
    printf("help version'\n"
           "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
           "        return\n"
           "    fi\n"
           "    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; lc_commands[i] != NULL; i++)
        put_bash_command(lc_commands[i]);
    printf("    help)\n        offer=words words='");
    for (size_t i = 0; lc_commands[i] != NULL; i++)
        printf("%s%s", i == 0 ? "" : " ", lc_commands[i]->name);
    printf("'\n        ;;\n"
           "    esac\n"
           "    if [ \"$offer\" = files ] && [ \"${current#-}\" != \"$current\" ]; then\n"
           "        offer=words words=$options\n"
           "    fi\n"
           "    case $offer in\n"
           "    words) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\") ;;\n"
           "    files) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "
           "\"$current\") ;;\n"
           "    dirs) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- \"$current\") "
           ";;\n"
           "    nothing) COMPREPLY=() ;;\n"
           "    esac\n"
           "}\n"
           "complete -F _logcaster logcaster\n");
}

/* Inside of '...' and, in _arguments, of [...]. */
static void put_zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            printf("'\\'");
        else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
}

static void put_zsh_action(const struct lc_option *row)
{
    if (row->value == NULL)
        return;
    putchar(':');
    put_zsh_text(row->value);
    putchar(':');
    switch (offer_of(row)) {
    case OFFER_CHOICES:
        putchar('(');
        for (size_t i = 0; row->choices[i] != NULL; i++)
            printf("%s%s", i == 0 ? "" : " ", row->choices[i]);
        putchar(')');
        break;
    case OFFER_DIRS:
        printf("_files -/");
        break;
    case OFFER_FILES:
        printf("_files");
        break;
    default:
        putchar(' ');
        break;
    }
}

static void put_zsh_command(const struct lc_command *c)
{
    struct lc_option_ref ref = {0};
    char name[LC_OPTION_NAME_MAX];
    printf("    %s)\n        _arguments -S \\\n", c->name);
    while (lc_option_next(c->options, &ref)) {
        const char *times = lc_option_is_list(ref.row->kind) ? "*" : "";
        lc_option_name(&ref, name);
        printf("            '%s--%s%s[", times, name, ref.row->value != NULL ? "=" : "");
        put_zsh_text(ref.row->help);
        putchar(']');
        put_zsh_action(ref.row);
        printf("' \\\n");
    }
    printf("            '*:operand:_files'\n        ;;\n");
}

static void put_zsh(void)
{
    printf(
        "#compdef logcaster\n# zsh completion for logcaster(1). Made from its table of options.\n"
        "local -a commands\n"
        "commands=(\n");
    for (size_t i = 0; lc_commands[i] != NULL; i++) {
        printf("    '%s:", lc_commands[i]->name);
        put_zsh_text(lc_commands[i]->summary);
        printf("'\n");
    }
    printf("    'help:explain a command'\n    'version:print the version'\n)\n"
           "if (( CURRENT == 2 )); then\n"
           "    _describe command commands\n"
           "    return\n"
           "fi\n"
           "shift words\n"
           "(( CURRENT-- ))\n"
           "case $words[1] in\n");
    for (size_t i = 0; lc_commands[i] != NULL; i++)
        put_zsh_command(lc_commands[i]);
    printf("    help) _describe command commands ;;\nesac\n");
}

/* ---- texts to be translated ---- */

static void put_msgid(const char *text, const char *comment)
{
    if (text == NULL || text[0] == '\0')
        return;
    printf("#. %s\nmsgid \"", comment);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if (*text == '\n')
            printf("\\n");
        else
            putchar(*text);
    }
    printf("\"\nmsgstr \"\"\n\n");
}

static void put_texts(void)
{
    printf("msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n\n");
    for (size_t i = 0; lc_commands[i] != NULL; i++) {
        const struct lc_command *c = lc_commands[i];
        const struct lc_option_group *group = NULL;
        struct lc_option_ref ref = {0};
        put_msgid(c->summary, c->name);
        put_msgid(c->text, c->name);
        while (lc_option_next(c->options, &ref)) {
            if (ref.group != group) {
                put_msgid(ref.group->title, "heading");
                put_msgid(ref.group->about, ref.group->title);
            }
            group = ref.group;
            put_msgid(ref.row->help, ref.row->name);
        }
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "man") == 0 && argc == 2)
        put_overview();
    else if (strcmp(what, "man") == 0 && strcmp(argv[2], "config") == 0)
        put_config();
    else if (strcmp(what, "man") == 0)
        put_command(find(argv[2]));
    else if (strcmp(what, "bash") == 0)
        put_bash();
    else if (strcmp(what, "zsh") == 0)
        put_zsh();
    else if (strcmp(what, "texts") == 0)
        put_texts();
    else
        return 2;
    return ferror(stdout) != 0 || fflush(stdout) != 0;
}
