# SPDX-License-Identifier: MIT
"""The async twins of the library's functions: same arguments, same results, same errors.

Each works in a thread. Progress is told in the caller's loop. A twin that is cancelled stops its work at
the next piece, undoes it, and only then lets go; should the work be done by that moment, it stays done.
"""

from osak.client import library
from osak.client.event_loop import in_thread

audit_async = in_thread(library.audit)
encrypt_async = in_thread(library.encrypt)
decrypt_async = in_thread(library.decrypt)
decrypt_many_async = in_thread(library.decrypt_many)
list_files_async = in_thread(library.list_files)
list_files_many_async = in_thread(library.list_files_many)
reencrypt_async = in_thread(library.reencrypt)
plan_async = in_thread(library.plan)
revoke_async = in_thread(library.revoke)
inspect_async = in_thread(library.inspect)
