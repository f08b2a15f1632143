"""The demo's test set: letters to a shop that sells bicycles, each to be sorted into one of six desks.

Made from a seed, so that everyone sees the same run. The report says that the set is synthetic,
because a bake-off on made-up letters proves nothing about anybody's product.
"""

from __future__ import annotations

import random

__all__ = ["DESKS", "tickets"]

DESKS = ("billing", "delivery", "returns", "repairs", "account", "advice")

_LETTERS: dict[str, tuple[str, ...]] = {
    "billing": (
        "I was charged twice for my {thing}. One of the two payments of {sum} euros has to go back.",
        "The invoice for the {thing} shows the wrong VAT number. Can you send a corrected one?",
        "You took {sum} euros from my card on the {day}th and I do not know what for.",
        "My discount code for the {thing} was not applied at the checkout.",
    ),
    "delivery": (
        "The {thing} was due on the {day}th and the tracking page has not moved since.",
        "The courier left my {thing} with a neighbour I do not know. Where is it?",
        "Please send the {thing} to my office instead; it has not left the warehouse yet.",
        "Half of order {order} arrived. The {thing} is missing from the box.",
    ),
    "returns": (
        "The {thing} is the wrong size and unused. How do I send it back?",
        "I sent the {thing} back on the {day}th and have not had my {sum} euros yet.",
        "I changed my mind about the {thing}. Is thirty days counted from the order or the arrival?",
        "Can I swap the {thing} from order {order} for another colour?",
    ),
    "repairs": (
        "After {day} rides the {thing} makes a grinding noise. Is that covered by the guarantee?",
        "My {thing} came with a crack near the weld. Who repairs it?",
        "The bearing of the {thing} has play and your manual does not say how to adjust it.",
        "The {thing} died in the rain. Can your workshop look at it this week?",
    ),
    "account": (
        "I cannot log in any more since you changed the site. My e-mail address is the same as ever.",
        "Please delete my account and everything you know about me, order {order} included.",
        "How do I change the address on my profile? The form loses the house number {day}.",
        "Somebody else's order {order} is listed under my name.",
    ),
    "advice": (
        "Which {thing} fits a frame from 1998 with a {day} mm clamp?",
        "Is the {thing} worth {sum} euros if I only ride to work?",
        "Would you take the {thing} or a lighter one for long tours?",
        "What is the difference between the two versions of the {thing} on your page?",
    ),
}
# Letters that speak of one desk and belong to another: the hard part of the job.
_EDGE = (
    ("I returned the {thing}, you confirmed it, and now the refund of {sum} euros went to a card I closed.", "billing"),
    ("The repaired {thing} was sent to my old address although I changed it in my profile.", "delivery"),
    ("Before I send the broken {thing} back: can I not simply have it mended?", "repairs"),
    ("Your advice about the {thing} was wrong, it does not fit. I want my {sum} euros back.", "returns"),
)
_THINGS = (
    "handlebar",
    "saddle",
    "rear wheel",
    "chain set",
    "pannier",
    "dynamo light",
    "helmet",
    "child seat",
    "brake lever",
    "pump",
)
_EDGE_SHARE = 0.08


def tickets(count: int, seed: int) -> list[dict[str, object]]:
    """`count` letters as rows of a test set: id, input, target, tags, cluster (the customer), edge."""
    dice = random.Random(seed)  # noqa: S311  # a demo's letters guard nothing
    rows: list[dict[str, object]] = []
    for number in range(count):
        edge = dice.random() < _EDGE_SHARE
        if edge:
            text, desk = dice.choice(_EDGE)
        else:
            desk = dice.choice(DESKS)
            text = dice.choice(_LETTERS[desk])
        letter = text.format(
            thing=dice.choice(_THINGS), sum=dice.randint(9, 400), day=dice.randint(2, 28), order=dice.randint(10_000, 99_999)
        )
        rows.append(
            {
                "id": f"letter-{number:04d}",
                "input": f"Sort this letter to one desk of: {', '.join(DESKS)}. End with `Desk: <name>`.\n\n{letter}",
                "target": desk,
                "tags": ["edge", desk] if edge else [desk],
                "cluster": f"customer-{dice.randrange(count * 3)}",
                "edge": edge,
            }
        )
    return rows
