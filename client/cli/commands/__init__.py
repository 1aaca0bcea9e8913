# SPDX-License-Identifier: MIT
"""One file a command; each is imported only when it is called (see ``main``)."""
