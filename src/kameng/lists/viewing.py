"""Views that people keep of lists, for themselves or for everybody who works for their organisation.

Who may share, and take away what is shared, is the door's to know.
"""

from __future__ import annotations

from kameng.kit import clock, ids
from kameng.kit.db import Connection, Database
from kameng.lists import store
from kameng.lists.errors import BadView, NoSuchView, TooManyViews
from kameng.lists.model import SavedView

VIEWS_MAX = 12
NAME_CHARS_MAX = 40
QUERY_CHARS_MAX = 2000


async def save_view(
    db: Database, person_id: int, org_id: int, *, path: str, name: str, query: str, is_shared: bool = False
) -> SavedView:
    name = name.strip()
    if not (1 <= len(name) <= NAME_CHARS_MAX and name.isprintable()):
        raise BadView(field="name")
    if len(query) > QUERY_CHARS_MAX or len(path) > QUERY_CHARS_MAX:
        raise BadView(field="query", detail_zh="筛选条件过长，无法保存")
    view = SavedView(ids.random_id(), name, query, is_shared)
    async with db.transaction() as connection:
        standing = await store.views_of(connection, person_id, org_id, path)
        if sum(one.is_own for one in standing) >= VIEWS_MAX:
            raise TooManyViews
        await store.insert_view(connection, person_id, org_id, path, view, clock.now())
    return view


async def list_views(connection: Connection, person_id: int, org_id: int, path: str) -> list[SavedView]:
    """His own, and those that are shared with him."""
    return await store.views_of(connection, person_id, org_id, path)


async def remove_view(db: Database, person_id: int, org_id: int, view_id: int, *, any_shared: bool = False) -> str:
    """The path of its list; ``NoSuchView`` for somebody else's. ``any_shared``: what others share may go too."""
    async with db.transaction() as connection:
        path = await store.delete_view(connection, person_id, org_id, view_id, any_shared=any_shared)
    if path is None:
        raise NoSuchView
    return path
