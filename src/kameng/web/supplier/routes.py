"""The handlers of these pages."""

from kameng.web.supplier import board, cards, goods, papers, quality, settling, stock, tasks

HANDLERS = [
    board.show,
    tasks.list_tasks, tasks.show_task, tasks.take, tasks.give_back, tasks.answer, tasks.refuse,
    cards.list_runs, cards.ask_file, cards.send_file, cards.show_run, cards.show_run_part, cards.confirm_run,
    cards.drop_run, cards.show_report,
    stock.list_batches, stock.ask_void, stock.void_numbers, stock.show_batch, stock.void_batch,
    goods.list_goods, goods.list_offers, goods.ask_offer, goods.make_offer, goods.withdraw_offer,
    quality.show,
    settling.show_settlements, settling.show_wallet, settling.show_posting, settling.list_withdrawals,
    settling.ask_amount, settling.withdraw, settling.show_withdrawal, settling.cancel_withdrawal,
    papers.list_documents, papers.ask_document, papers.send_document, papers.show_file, papers.withdraw_document,
]  # fmt: skip
