"""Answers that were had before, with the tag by which GitHub tells that they are still good; bounded, and per user."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

MOST_ANSWERS = 1_000
MOST_ANSWERS_OF_ONE_USER = 60


@dataclass(frozen=True)
class Answer:
    """A good answer: what it was read into, where the next page is, and the scopes of the token that asked."""

    content: Any
    next_url: str | None
    scopes: frozenset[str] | None


@dataclass(frozen=True)
class Question:
    """Who asked for what. The token is part of it, by its hash: another token may see other things."""

    user_id: int
    token_sha256: str
    url: str


class AnswerCache:
    """The answers of all users; what was not asked for the longest goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Question, tuple[str, Answer]] = OrderedDict()

    def get(self, question: Question) -> tuple[str, Answer] | None:
        """The tag and the answer that were kept."""
        found = self._kept.get(question)
        if found is not None:
            self._kept.move_to_end(question)
        return found

    def put(self, question: Question, tag: str, answer: Answer) -> None:
        """Keep an answer, in place of older ones where there are too many."""
        self._kept[question] = (tag, answer)
        self._kept.move_to_end(question)
        own = [kept for kept in self._kept if kept.user_id == question.user_id]
        for oldest in own[: max(0, len(own) - MOST_ANSWERS_OF_ONE_USER)]:
            del self._kept[oldest]
        while len(self._kept) > MOST_ANSWERS:
            self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)
