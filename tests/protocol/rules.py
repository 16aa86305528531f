"""The rules of order for every request of every test: busy first, idle last, right parents."""


def check_request(request, messages, shown_errors=False):
    """Check all that came back for one request.

    request: its header; messages: every message with that parent, in order of arrival. The reply
    comes on a socket of its own, so only the order within iopub can be asserted. shown_errors:
    IPython may also show errors that do not end the cell, those of a `display` or of an event
    hook, and a user's handler may show nothing at all.
    """
    for message in messages:
        assert message.parent == request, f"parent of {message.type} is not the request's header"
    iopub = [m for m in messages if m.channel == "iopub"]
    for message in iopub:
        assert len(message.identities) == 1, (
            f"{message.type}: one topic frame, not {message.identities}"
        )
    states = [m.content["execution_state"] for m in iopub if m.type == "status"]
    assert states == ["busy", "idle"], f"{request['msg_type']}: {states}"
    assert iopub[0].type == "status", f"{iopub[0].type} came before busy"
    assert iopub[-1].type == "status", f"{iopub[-1].type} came after idle"
    replies = [m for m in messages if m.channel in ("shell", "control")]
    assert len(replies) <= 1, f"{len(replies)} replies"
    if replies:
        expected = request["msg_type"].replace("_request", "_reply")
        assert replies[0].type == expected, f"{replies[0].type} answers {request['msg_type']}"
    if replies and request["msg_type"] == "execute_request":
        check_execute(replies[0], iopub, shown_errors)


def check_execute(reply, iopub, shown_errors):
    """The rules for cells: echo first, one counter, and the same error in reply and `error`."""
    kinds = [m.type for m in iopub]
    aborted = (
        reply.content.get("ename") == "ExecutionAborted" or reply.content["status"] == "aborted"
    )
    if aborted:
        assert kinds == ["status", "status"], kinds
        return
    if "execute_input" in kinds:
        assert kinds[1] == "execute_input", kinds
    counts = {
        m.content["execution_count"] for m in iopub if m.type in ("execute_input", "execute_result")
    }
    assert len(counts) <= 1, f"counts on iopub: {counts}"
    errors = [m.content for m in iopub if m.type == "error"]
    if shown_errors:
        errors = errors[-1:] if reply.content["status"] == "error" else []
    assert len(errors) <= 1, errors
    if reply.content["status"] == "error":
        check_error(reply.content, errors, may_lack=shown_errors or "execute_input" not in kinds)
    else:
        assert not errors, "an error message, and a reply that says ok"


def check_error(content, errors, may_lack):
    """A failed cell: three fields of text in the reply, the same three on iopub (IPython prints
    usage errors).
    """
    assert isinstance(content["ename"], str) and isinstance(content["evalue"], str), content
    assert all(isinstance(line, str) for line in content["traceback"]), content
    if not errors:
        assert may_lack or content["ename"] == "UsageError", (
            f"no error message for {content['ename']}"
        )
        return
    for field in ("ename", "evalue", "traceback"):
        assert errors[0][field] == content[field], f"{field} differs between error and reply"
