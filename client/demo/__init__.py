# SPDX-License-Identifier: MIT
"""``osak demo``: five real share servers on this computer, one killed, one lying, and the file still opens.

Nothing here is used by any other command. The demo runs the same commands a person would type
(``osak node …``, ``osak encrypt`` …), each in a process of its own, and believes only their results.
"""
