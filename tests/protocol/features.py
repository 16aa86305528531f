"""What the kernel must do, line by line, and the tests that show it. Printed by

    python tests/protocol/features.py

Each line names the figure or behaviour, and tests as FILE::FUNCTION. Figures that are a time or a
size are measured beside the other kernels by tests/bench/kernels.py; the tests here only tell a
sane figure from a broken one.
"""

import ast
import pathlib

HERE = pathlib.Path(__file__).parent

FEATURES = [
    ("start to ready", "≤ 0.30 s through wait_for_ready; kernel_info_reply ≤ 20 ms after exec",
     "test_feature_table::test_it_is_ready_soon",
     "test_start::test_the_first_cell_may_be_sent_before_python_is_up"),
    ("memory idle", "≤ 30 MiB RSS with the shell built, ≤ 6 threads",
     "test_feature_table::test_an_idle_kernel_is_small"),
    ("round trip of execute", "≤ 0.5 ms", "test_feature_table::test_round_trips_are_short"),
    ("round trip of kernel_info", "≤ 0.3 ms", "test_feature_table::test_round_trips_are_short"),
    ("round trip of complete, inspect, is_complete", "≤ 5, 1, 0.3 ms",
     "test_feature_table::test_round_trips_are_short"),
    ("first completion", "≤ 30 ms", "test_feature_table::test_the_first_completion_is_quick"),
    ("20,000 prints", "nothing lost, ≤ 0.1 s, ≤ 20 messages a second",
     "test_streams::test_twenty_thousand_prints_are_complete_and_few_messages"),
    ("20,000 flushed prints", "nothing lost, a few hundred messages, ≤ 0.3 s",
     "test_streams::test_flushed_prints_are_coalesced_too"),
    ("50 MB in one print", "≤ 0.3 s, at most one copy beyond the JSON text",
     "test_streams::test_fifty_megabytes_in_one_print_arrive_whole",
     "test_feature_table::test_a_big_print_is_not_copied_again_and_again"),
    ("capture of descriptors 1 and 2", "os.system, subprocess, printf, forked children",
     "test_streams::test_descriptors_of_children_and_of_c_are_captured",
     "test_streams::test_c_text_needs_no_flush",
     "test_streams::test_a_forked_child_writes_to_the_notebook"),
    ("capture while the writer holds the GIL", "drained by C",
     "test_streams::test_c_text_written_with_the_interpreter_held_does_not_block"),
    ("stdout object", "a full text file",
     "test_streams::test_the_stream_objects_are_whole_text_files",
     "test_streams::test_surrogates_are_replaced"),
    ("messages per print", "coalesced",
     "test_feature_table::test_a_print_is_one_message",
     "test_streams::test_any_mixture_of_writers_keeps_its_order"),
    ("thread output while its cell runs", "the cell's",
     "test_streams::test_threads_write_to_the_cell_that_runs",
     "test_subshell::test_a_thread_may_say_whose_its_outputs_are"),
    ("thread output after its cell ended", "the latest cell's, or its own cell's on request",
     "test_streams::test_a_thread_that_outlives_its_cell_is_heard",
     "test_subshell::test_threads_follow_their_cells_where_it_is_configured"),
    ("input and getpass in the main thread", "yes",
     "test_stdin::test_input_asks_and_gets_the_answer",
     "test_stdin::test_getpass_hides_the_answer"),
    ("input in other threads, stdin.readline, breakpoint", "yes, end of file at once, yes",
     "test_stdin::test_other_threads_may_ask",
     "test_stdin::test_reading_stdin_itself_is_end_of_file_at_once",
     "test_interrupt_matrix::test_breakpoint_asks_in_the_main_thread",
     "test_interrupt_matrix::test_breakpoint_asks_in_another_thread",
     "test_interrupt_matrix::test_questions_of_several_threads_come_one_after_the_other"),
    ("input with allow_stdin false", "an error, at once",
     "test_stdin::test_without_a_front_end_that_answers_input_fails_at_once"),
    ("interrupt by SIGINT in nine states", "KeyboardInterrupt ≤ 0.1 s",
     "test_interrupt_matrix::test_an_interrupt_ends_the_cell_and_nothing_else"),
    ("interrupt of await", "KeyboardInterrupt ≤ 0.1 s",
     "test_interrupt_matrix::test_an_interrupt_ends_the_cell_and_nothing_else",
     "test_interrupt_matrix::test_finally_of_every_form_of_await_runs_in_its_own_cell"),
    ("SIGINT while idle", "ignored", "test_interrupt::test_an_interrupt_while_idle_is_ignored"),
    ("interrupt_request", "the same path as the signal",
     "test_interrupt_matrix::test_an_interrupt_ends_the_cell_and_nothing_else"),
    ("interrupt inside a tensor op", "≤ 50 ms",
     "test_torch::test_a_loop_of_products_is_interrupted"),
    ("stop_on_error", "cells alone are aborted, busy to idle each, error fields present",
     "test_queue::test_cells_behind_an_error_are_aborted",
     "test_queue::test_other_requests_in_the_queue_are_served"),
    ("control while the shell is busy", "≤ 1 ms, kernel_info without the GIL",
     "test_feature_table::test_control_answers_while_a_cell_runs",
     "test_info::test_heartbeat_and_control_answer_while_a_cell_holds_the_interpreter"),
    ("kernel_info on control; welcome on iopub", "yes",
     "test_order::test_what_comes_back_for_each_kind",
     "test_info::test_starting_and_welcome_have_no_parent_and_come_first"),
    ("protocol version", "one number everywhere",
     "test_info::test_the_version_is_one_number_everywhere",
     "test_jupyter_client::test_the_kernelspec_is_whole"),
    ("subshells", "yes", "test_subshell::test_they_are_created_listed_and_deleted",
     "test_subshell::test_two_run_a_thousand_cells_each_at_once"),
    ("registration handshake", "yes",
     "test_registration"),
    ("CurveZMQ", "yes", "test_security::test_an_encrypted_kernel_serves_who_has_the_key",
     "test_security::test_an_encrypted_kernel_is_deaf_to_who_has_another_key_or_none"),
    ("usage_request", "from /proc, ≤ 1 ms",
     "test_usage::test_the_fields_are_those_that_extensions_read",
     "test_feature_table::test_round_trips_are_short"),
    ("port 0 in the connection file", "bound, written back atomically, mode 0600",
     "test_start::test_ports_left_open_are_chosen_and_written_back"),
    ("key of no length", "works", "test_start::test_without_a_key_nothing_is_signed"),
    ("hmac-sha512; ipc", "yes", "test_security::test_sha512_signs_with_128_digits",
     "test_start::test_ipc_sockets_work"),
    ("replayed message", "dropped", "test_bad_wire::test_a_replayed_message_runs_once"),
    ("unsigned message", "ignored; nothing parsed before the check",
     "test_bad_wire::test_an_unsigned_message_of_three_frames_is_harmless",
     "test_security::test_a_message_whose_signature_is_wrong_is_not_parsed"),
    ("bad JSON, wrong types, deep arrays, negative cursor", "survived; busy and idle each",
     "test_bad_wire::test_signed_parts_that_are_no_objects_do_no_harm",
     "test_bad_wire::test_contents_with_wrong_fields_get_an_answer",
     "test_bad_wire::test_deep_but_allowed_json_is_answered",
     "test_code_help::test_a_cursor_outside_the_code_is_clamped"),
    ("shutdown reply's restart", "echoed", "test_shutdown::test_the_kernel_replies_and_is_gone"),
    ("shutdown while a cell loops", "exit ≤ 1 s",
     "test_shutdown::test_the_kernel_replies_and_is_gone",
     "test_interrupt_matrix::test_a_shutdown_behind_an_interrupt_ends_the_kernel"),
    ("shutdown_request on shell", "honoured",
     "test_shutdown::test_shutdown_on_shell_is_honoured",
     "test_order::test_a_shutdown_is_the_last_that_all_hear"),
    ("SIGTERM, SIGHUP", "atexit runs, files are removed, the signal is reported",
     "test_shutdown::test_a_deadly_signal_runs_exit_functions_and_is_reported"),
    ("parent gone", "exit ≤ 1 s, off where the parent is pid 1",
     "test_shutdown::test_the_kernel_ends_when_its_parent_is_gone",
     "test_shutdown::test_it_lives_on_when_the_launching_thread_ends"),
    ("children at shutdown", "SIGTERM, then SIGKILL",
     "test_shutdown::test_children_end_with_the_kernel",
     "test_load::test_a_daemon_outlives_its_cell_and_the_kernel"),
    ("types in completions", "yes", "test_code_help::test_types_of_completions_are_told"),
    ("execution count", "one counter; input, result and reply agree",
     "test_execute::test_the_counter_rises_by_one_and_agrees_everywhere",
     "test_execute::test_cells_outside_the_history_do_not_count"),
    ("silent", "nothing is broadcast", "test_execute::test_silent_publishes_nothing_but_status"),
    ("ename", "ZeroDivisionError", "test_bad_code::test_errors_keep_name_and_text"),
    ("ExceptionGroup", "a normal error", "test_bad_code::test_an_exception_group_is_a_normal_error"),
    ("RecursionError", "folded, ≤ 60 lines", "test_bad_code::test_endless_recursion_is_folded"),
    ("failing __repr__", "the same error in reply and message",
     "test_bad_code::test_a_failing_repr_is_a_normal_error"),
    ("exit()", "payload, exits", "test_shutdown::test_exit_asks_the_front_end_and_ends"),
    ("history", "in memory and a file that never blocks the start",
     "test_history::test_search", "test_history::test_ranges",
     "test_history::test_a_bad_place_costs_no_time"),
    ("comm opened by the front end", "kept",
     "test_feature_table::test_a_comm_that_the_front_end_opens_is_kept",
     "test_widgets::test_a_comm_of_the_front_end_lives_from_open_to_close"),
    ("debugger", "debug_request, copyToGlobals, rich variables", "test_debug", "test_debug_stops"),
    ("conformance suite", "13 of 13", "test_conformance::Conformance"),
]  # fmt: skip

LINES = 55  # of the list of what a kernel must do: none may get lost here


def names_in(file):
    """The test functions and classes of a file; empty if there is no such file."""
    if not file.exists():
        return set()
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.parse(file.read_text()).body if isinstance(node, kinds)}


def missing(tests):
    """Those of the named tests that are not there; a file's name alone stands for all in it."""
    for test in tests:
        file, _, name = test.partition("::")
        names = names_in(HERE / f"{file}.py")
        if not names or (name and name not in names):
            yield test


def main():
    print("| feature | must | tests |\n|---|---|---|")
    for feature, must, *tests in FEATURES:
        print(f"| {feature} | {must} | {', '.join(tests)} |")


if __name__ == "__main__":
    main()
