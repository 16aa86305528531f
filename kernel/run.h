/* `mesale run`: executes notebooks in this process, without any Jupyter server. */
#ifndef KERNEL_RUN_H
#define KERNEL_RUN_H

/* argv[0] is the word "run". Returns the exit code: 0; 1 a cell failed, or with --check showed
 * something else than stored; 2 wrong arguments, or a notebook that cannot be read or run; 130
 * interrupted. */
int run_main(int argc, char **argv);

#endif
