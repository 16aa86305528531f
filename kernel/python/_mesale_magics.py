"""Magics that are different where the editor is the front end's, and %%trace, which is there without %load_ext."""
import os


def _edit_of(shell):
    def edit(line=""):
        """Opens a file, or the source of an object or of earlier cells, in the front end's editor.

        %edit [-n line] [file, object, numbers of cells or macro]
        """
        from IPython.core.error import UsageError
        from IPython.core.magics.code import CodeMagics, InteractivelyDefined, MacroToEdit
        options, arguments = CodeMagics(shell).parse_options(line, "prn:")
        try:
            filename, number, _ = CodeMagics._find_edit_target(shell, arguments, options, ["", ""])
        except MacroToEdit:
            raise UsageError("macros cannot be edited in a notebook") from None
        except InteractivelyDefined as error:
            raise UsageError(f"this was defined in cell {error.index}, which can be edited") from None
        if filename is not None:
            shell._add_payload("edit_magic", filename=os.path.abspath(filename),
                               line_number=int(number) if number else 0)

    return edit


def _trace_of(shell):
    from IPython.core.magic import no_var_expand, output_can_be_silenced

    @no_var_expand
    @output_can_be_silenced
    def trace(line, cell):
        """Runs the cell and shows what it cost: operations, nodes recorded, bytes kept for backward, peak memory.

        %%trace
        """
        __tracebackhide__ = True
        try:
            from mesale._trace import cell_magic
        except ImportError as error:    # a kernel that was installed with another torch
            from IPython.core.error import UsageError
            raise UsageError(f"%%trace counts in Meşale's own torch, which is not here: {error}") from None
        return cell_magic(shell)(line, cell)

    return trace


def register(shell):
    shell.register_magic_function(_trace_of(shell), "cell", "trace")
    for name in ("edit", "ed"):
        shell.register_magic_function(_edit_of(shell), "line", name)
