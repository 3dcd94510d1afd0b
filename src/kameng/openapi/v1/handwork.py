"""The supplier's side of goods that he works by hand: his tasks, taken, given back, answered, refused.

A task is named by its id. He sees what he must act on, and never who bought.
"""

from __future__ import annotations

import base64
import binascii

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import UNSET

from kameng import fulfilment, ledger, orders
from kameng.fulfilment import (
    Answer,
    AnswerDiffers,
    BadAnswer,
    NoSuchTask,
    Task,
    TaskEnded,
    TaskNotTaken,
    TaskTaken,
    Worker,
)  # fmt: skip
from kameng.identity import Scope
from kameng.kit import clock
from kameng.openapi.errors import NotSupplier
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, Arrival, answer, arrival_of, signed, spend
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.handwork_model import AnswerBody, RefusalBody, TaskBody, TasksAnswer, TasksQuery
from kameng.openapi.v1.reading import body_of, id_of, parse_task_cursor, query_of, task_cursor
from kameng.openapi.v1.supplier import supplier_of
from kameng.stock import CardText

TASK_ID = {"task_id": "The task's id."}
ANSWER_DECODER = msgspec.json.Decoder(AnswerBody)
REFUSAL_DECODER = msgspec.json.Decoder(RefusalBody)
WORKING = (NotSupplier, NoSuchTask, TaskTaken, TaskEnded, orders.StateForbids)
"""What may become of whatever is done to a task."""
ENDING = (*WORKING, TaskNotTaken, AnswerDiffers, orders.AccountNotOpened, ledger.LedgerRefused)


@get(
    "/api/v1/supplier/orders",
    guards=[signed],
    opt=says(
        operation="listTasks", tag="supplier", zh="待我处理的订单", en="Orders for you to work",
        text="Those that are due first at the top.", scope=Scope.supplier_orders_read, query=TasksQuery,
        refusals=(NotSupplier,), replies=(Reply(200, TasksAnswer, "A page of tasks.", examples.TASKS),),
    ),
)  # fmt: skip
async def list_tasks(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    worker, query = _worker(arrival), query_of(arrival.query, TasksQuery)
    page = await fulfilment.list_tasks(
        arrival.parts.db, arrival.parts.snapshot.ring, worker,
        states=sorted(fulfilment.LIVE) if query.state is UNSET else [query.state],
        after=fulfilment.START if query.cursor is UNSET else parse_task_cursor(query.cursor), limit=query.limit,
    )  # fmt: skip
    next_cursor = None if page.next is None else task_cursor(page.next)
    shown = [_view(arrival, one.task, one.account) for one in page.tasks]
    return answer(arrival, TasksAnswer(shown, next_cursor))


@get(
    "/api/v1/supplier/orders/{task_id:str}",
    guards=[signed],
    opt=says(
        operation="findTask", tag="supplier", zh="单笔待处理订单", en="One order for you to work",
        scope=Scope.supplier_orders_read, path=TASK_ID, refusals=(NotSupplier, NoSuchTask),
        replies=(Reply(200, TaskBody, "The task as it stands.", examples.TASK),),
    ),
)  # fmt: skip
async def find_task(request: AnyRequest, task_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    worker = _worker(arrival)
    found = await fulfilment.find_task(arrival.parts.db, arrival.parts.snapshot.ring, worker, _id(task_id))
    return answer(arrival, _view(arrival, found.task, found.account))


@post(
    "/api/v1/supplier/orders/{task_id:str}/take",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="takeTask", tag="supplier", zh="领取", en="Take it",
        text="It is yours until `taken_until`; its account comes in clear, which leaves an audit line. Taken again "
        "meanwhile it is answered the same. Takes no body. Signed like a write.",
        scope=Scope.supplier_orders_write, write=True, path=TASK_ID, refusals=(*WORKING, orders.AccountNotOpened),
        replies=(Reply(200, TaskBody, "It is yours.", examples.TAKEN),),
    ),
)  # fmt: skip
async def take_task(request: AnyRequest, task_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    worker, parts = _worker(arrival), arrival.parts
    await spend(arrival)
    taken = await fulfilment.take(
        parts.db, parts.snapshot.ring, worker, _id(task_id), terms=fulfilment.terms_of(parts.settings)
    )
    return answer(arrival, _view(arrival, taken.task, taken.account))


@post(
    "/api/v1/supplier/orders/{task_id:str}/give-back",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="giveBackTask", tag="supplier", zh="退回", en="Give it back",
        text="You did nothing for it: it is open again. Takes no body. Signed like a write.",
        scope=Scope.supplier_orders_write, write=True, path=TASK_ID, refusals=(*WORKING, TaskNotTaken),
        replies=(Reply(200, TaskBody, "It is open.", examples.TASK),),
    ),
)  # fmt: skip
async def give_back_task(request: AnyRequest, task_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    worker = _worker(arrival)
    await spend(arrival)
    return answer(arrival, await _shown(arrival, await fulfilment.give_back(arrival.parts.db, worker, _id(task_id))))


@post(
    "/api/v1/supplier/orders/{task_id:str}/answer",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="answerTask", tag="supplier", zh="交付", en="Answer with the goods",
        text="Text, cards, an image. The order is delivered. The same answer again is answered the same; another one "
        "is refused. The body may have 2 MiB.",
        scope=Scope.supplier_orders_write, write=True, path=TASK_ID, body=AnswerBody,
        body_example=examples.ANSWER_BODY, refusals=(*ENDING, BadAnswer),
        replies=(Reply(200, TaskBody, "It is delivered.", examples.ANSWERED),),
    ),
)  # fmt: skip
async def answer_task(request: AnyRequest, task_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    worker, snapshot = _worker(arrival), arrival.parts.snapshot
    sent = body_of(arrival.body, ANSWER_DECODER)
    cards = tuple(CardText(card.number, card.secret) for card in sent.cards)
    content = Answer(sent.text, cards, _image(sent.image))
    await spend(arrival)
    done = await fulfilment.answer(snapshot.db, snapshot.ring, worker, _id(task_id), content, terms=snapshot.terms)
    return answer(arrival, await _shown(arrival, done))


@post(
    "/api/v1/supplier/orders/{task_id:str}/refuse",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="refuseTask", tag="supplier", zh="拒绝", en="Refuse it",
        text="There will be no goods: the buyer gets his money back and reads why. Also the answer where its buyer "
        "wants it stopped. The same again is answered the same.",
        scope=Scope.supplier_orders_write, write=True, path=TASK_ID, body=RefusalBody,
        body_example=examples.REFUSAL_BODY, refusals=(*ENDING, orders.BadReason),
        replies=(Reply(200, TaskBody, "It is refused.", examples.TASK_REFUSED),),
    ),
)  # fmt: skip
async def refuse_task(request: AnyRequest, task_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    worker, snapshot = _worker(arrival), arrival.parts.snapshot
    sent = body_of(arrival.body, REFUSAL_DECODER)
    await spend(arrival)
    done = await fulfilment.refuse(snapshot.db, snapshot.ring, worker, _id(task_id), sent.reason, terms=snapshot.terms)
    return answer(arrival, await _shown(arrival, done))


def _worker(arrival: Arrival) -> Worker:
    return Worker(supplier_of(arrival.caller), arrival.caller.key.key_id)


def _id(text: str) -> int:
    return id_of(text, NoSuchTask)


def _image(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadAnswer("base64", field="image", detail_zh="图片须为 base64 编码") from None


async def _shown(arrival: Arrival, task: Task) -> TaskBody:
    """A task after what was done to it, its account masked."""
    worker = _worker(arrival)
    found = await fulfilment.find_task(arrival.parts.db, arrival.parts.snapshot.ring, worker, task.task_id)
    return _view(arrival, found.task, found.account)


def _view(arrival: Arrival, task: Task, account: dict[str, str] | None) -> TaskBody:
    sku = arrival.parts.snapshot.catalogue.skus.get(task.sku_id)
    return TaskBody(
        str(task.task_id), str(task.order_id), task.part_no, str(task.sku_id), "" if sku is None else sku.product,
        "" if sku is None else sku.spec, task.quantity, task.state.value, task.order_state.value,
        clock.rfc3339(task.opened_at), clock.rfc3339(task.due_at), task.due_at <= clock.now(),
        None if task.taken_until is None else clock.rfc3339(task.taken_until), task.is_stop_asked, account,
    )  # fmt: skip
