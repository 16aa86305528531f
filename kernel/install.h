/* `mesale install`: writes the kernelspec by which Jupyter front ends find the kernel. */
#ifndef KERNEL_INSTALL_H
#define KERNEL_INSTALL_H

/* argv[0] is the word "install". Returns the exit code: 0; 1 nothing was installed, the cause is on
 * standard error; 2 wrong arguments. */
int install_main(int argc, char **argv);

#endif
