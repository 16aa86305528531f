/* `mesale run` and `mesale test`: notebooks executed, and compared with what they hold, without any
 * Jupyter server. */
#ifndef KERNEL_RUN_H
#define KERNEL_RUN_H

/* argv[0] is the word "run" or "test". Returns the exit code: 0; 1 a cell failed, took too long or
 * shows something else than stored, or a notebook's process died; 2 wrong arguments, or a notebook
 * that cannot be read or run; 130 interrupted. */
int run_main(int argc, char **argv);

#endif
