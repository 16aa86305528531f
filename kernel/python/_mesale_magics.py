"""Magics that are different where the editor is the front end's."""
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


def register(shell):
    for name in ("edit", "ed"):
        shell.register_magic_function(_edit_of(shell), "line", name)
