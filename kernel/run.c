#include "run.h"

#include "json.h"
#include "run_jobs.h"
#include "run_notebook.h"
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_notebook(const char *name, size_t length)
{
    static const char ending[] = ".ipynb";
    size_t size = sizeof ending - 1;
    return length > size && strcmp(name + length - size, ending) == 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Appends the notebooks in the folder and those below it, by name; hidden ones and those of hidden
 * folders (.ipynb_checkpoints) are left out. How many; -1 with errno. */
static int add_folder(json_t *paths, char *folder)
{
    char *const roots[] = {folder, NULL};
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    int found = 0;
    for (FTSENT *entry; tree && (entry = fts_read(tree));) {
        if (entry->fts_level > 0 && entry->fts_name[0] == '.') {
            fts_set(tree, entry, FTS_SKIP);
        } else if (entry->fts_info == FTS_F && is_notebook(entry->fts_name, entry->fts_namelen)) {
            json_array_append_new(paths, json_text(entry->fts_path, entry->fts_pathlen));
            found++;
        }
    }
    if (!tree)
        return -1;
    fts_close(tree);
    return found;
}

/* The notebooks that the words name, an array of texts; NULL, and it was told, if there is a folder
 * without any. */
static json_t *find_notebooks(char **words, int count)
{
    json_t *paths = json_array();
    struct stat status;
    for (int i = 0; i < count; i++) {
        if (stat(words[i], &status) < 0 || !S_ISDIR(status.st_mode)) {
            json_array_append_new(paths, json_stringn_nocheck(words[i], strlen(words[i])));
            continue;
        }
        int found = add_folder(paths, words[i]);
        if (found > 0)
            continue;
        fprintf(stderr, "mesale: %s: %s\n", words[i],
                found < 0 ? strerror(errno) : "no notebook is in this directory");
        json_decref(paths);
        return NULL;
    }
    return paths;
}

int run_main(int argc, char **argv)
{
    struct run_options options;
    int parsed = run_options_parse(&options, argc, argv);
    if (parsed != 0)
        return parsed > 0 ? 0 : EXIT_UNUSABLE;
    json_t *paths = find_notebooks(argv + options.words, argc - options.words);
    if (!paths)
        return EXIT_UNUSABLE;
    bool here = json_array_size(paths) == 1 && !options.test && !options.junit;
    int status = here ? run_notebook(&options, json_string_value(json_array_get(paths, 0)))
                      : run_jobs(&options, paths);
    json_decref(paths);
    return status;
}
