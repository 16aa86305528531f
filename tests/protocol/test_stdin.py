"""input() and getpass: the question, the answer, and every way it can go wrong."""

import time

import pytest

from client import SLOWNESS


def asked(kernel, code, *answers):
    """Run a cell that asks, answering in order; returns its outcome and the questions."""
    request = kernel.start(code, allow_stdin=True)
    questions = []
    for answer in answers:
        questions.append(kernel.next_input())
        kernel.reply_input(answer)
    return kernel.wait(request), questions


def test_input_asks_and_gets_the_answer(kernel):
    outcome, questions = asked(
        kernel, "ad = input('Adınız: ')\nprint('Merhaba', ad)", "Işıl \U0001f525"
    )
    assert questions[0].content == {"prompt": "Adınız: ", "password": False}
    assert outcome.ok().stdout == "Merhaba Işıl \U0001f525\n"


def test_several_questions_in_one_cell(kernel):
    outcome, questions = asked(kernel, "[input('a'), input('b'), input()]", "1", "", "üç")
    assert [q.content["prompt"] for q in questions] == ["a", "b", ""]
    assert outcome.ok().result == "['1', '', 'üç']"


def test_getpass_hides_the_answer(kernel):
    outcome, questions = asked(kernel, "import getpass\ngetpass.getpass('Parola: ')", "gizli")
    assert questions[0].content == {"prompt": "Parola: ", "password": True}
    assert outcome.ok().result == "'gizli'"


def test_the_question_follows_the_text_before_it(kernel):
    request = kernel.start("print('önce')\ninput('sonra? ')", allow_stdin=True)
    kernel.next_input()
    kernel.wait_for(lambda: "önce" in kernel.text(request), 1, "the text before the question")
    kernel.reply_input("x")
    kernel.wait(request).ok()


def test_a_prompt_need_not_be_text(kernel):
    outcome, questions = asked(kernel, "input(12)", "x")
    assert questions[0].content["prompt"] == "12" and outcome.ok().result == "'x'"


def test_end_of_file_is_an_error(kernel):
    outcome, _ = asked(kernel, "input()", "\x04")
    outcome.failed("EOFError")


@pytest.mark.parametrize("code", ["input('?')", "import getpass; getpass.getpass()"])
def test_without_a_front_end_that_answers_input_fails_at_once(kernel, code):
    begin = time.monotonic()
    outcome = kernel.run(code, allow_stdin=False).failed("StdinNotImplementedError")
    assert time.monotonic() - begin < 2 * SLOWNESS
    assert not kernel.waiting_inputs and "input" in outcome.reply["evalue"]


@pytest.mark.parametrize("how", ["signal", "message"])
@pytest.mark.parametrize("code", ["input('?')", "import getpass; getpass.getpass()"])
def test_a_waiting_question_is_interrupted(kernel, code, how):
    request = kernel.start(code, allow_stdin=True)
    kernel.next_input()
    kernel.interrupt(how)
    kernel.wait(request, 5).failed("KeyboardInterrupt")
    kernel.reply_input("too late")
    outcome, _ = asked(kernel, "input('again')", "in time")
    assert outcome.ok().result == "'in time'"


def test_an_old_answer_is_not_taken(kernel):
    first, _ = asked(kernel, "input('one')", "1")
    assert first.ok().result == "'1'"
    request = kernel.start("import time; time.sleep(0.2); input('two')", allow_stdin=True)
    stale = next(m for m in kernel.filed[first.request["msg_id"]] if m.type == "input_request")
    kernel.waiting_inputs.insert(0, stale)
    kernel.reply_input("stale")
    kernel.next_input()
    kernel.reply_input("fresh")
    assert kernel.wait(request).ok().result == "'fresh'"


def test_the_question_goes_to_the_client_whose_cell_asks(start):
    process = start()
    one, two = process.client(), process.client()
    request = two.start("input('who?')", allow_stdin=True)
    two.next_input()
    one.collect(0.1)
    assert not one.waiting_inputs
    two.reply_input("two")
    assert two.wait(request).ok().result == "'two'"


def test_other_threads_may_ask(kernel):
    code = (
        "import threading\ngot = []\n"
        "t = threading.Thread(target=lambda: got.append(input('thread?')))\n"
        "t.start(); t.join(); got"
    )
    outcome, questions = asked(kernel, code, "evet")
    assert outcome.ok().result == "['evet']" and questions[0].content["prompt"] == "thread?"


def test_reading_stdin_itself_is_end_of_file_at_once(kernel):
    assert (
        kernel.run("import sys\nsys.stdin.readline(), sys.stdin.read()").ok().result == "('', '')"
    )
    assert (
        kernel.run("import subprocess\nsubprocess.run(['cat'], timeout=5).returncode").ok().result
        == "0"
    )


def test_the_heartbeat_goes_on_while_a_question_waits(kernel):
    request = kernel.start("input('?')", allow_stdin=True)
    kernel.next_input()
    assert kernel.ask("kernel_info_request", channel="control", timeout=2).status == "ok"
    kernel.reply_input("x")
    kernel.wait(request).ok()


def test_the_debugger_of_python_can_ask(kernel):
    code = "x = 5\nimport pdb\np = pdb.Pdb(nosigint=True)\np.set_trace()\nx = x + 1\ny = 2"
    request = kernel.start(code, allow_stdin=True)
    kernel.answer = lambda prompt: "c"
    if kernel.waiting_inputs:
        kernel.reply_input("c")
    kernel.wait(request).ok()
