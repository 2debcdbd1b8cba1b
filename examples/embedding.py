"""A mail platform inside an application of your own: no server, no daemon.

python examples/embedding.py
"""

from mailkit import MailKit
from mailkit.errors import AlreadyExists, OverQuota

MESSAGE = b"From: shop@example.net\r\nSubject: Your order %d\r\nMessage-ID: <%d@shop>\r\n\r\nIt is on its way.\r\n"


def main() -> None:
    with MailKit.open("memory:", settings={"mail.hostname": "mx.example.org"}) as kit:
        alice = kit.accounts.create("alice", address="alice@example.org", password="a long one", quota=2000)
        try:
            kit.accounts.create("al.ice", address="other@example.org")
        except AlreadyExists as taken:
            print("refused:", taken)  # dots don't count in logins

        for number in range(8):
            receipt = kit.delivery.accept(
                MESSAGE % (number, number), mail_from="shop@example.net", rcpt_to=["alice+shop@example.org"]
            )
            print(receipt.outcomes[0].status, receipt.outcomes[0].text)

        page = kit.mailstore.list(alice.id, mailbox="INBOX", limit=3)
        print(page.total, "messages, newest first:", [entry.row.subject for entry in page.items])

        # several services, one commit: either both messages are filed, or none
        def file_two(tx):  # type: ignore[no-untyped-def]
            for subject in (b"one", b"two"):
                kit.mailstore.append(alice.id, ready[subject], mailbox="Drafts", flags=["\\Draft"], tx=tx)

        ready = {s: kit.mailstore.prepare(b"Subject: %s\r\n\r\n%s" % (s, b"x" * 600)) for s in (b"one", b"two")}
        try:
            kit.transact(file_two)
        except OverQuota as full:
            print("nothing was filed:", full)
        print(kit.mailstore.mailbox(alice.id, "Drafts").total, "drafts")


if __name__ == "__main__":
    main()
