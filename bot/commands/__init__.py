"""What staff and who runs the line do from a terminal, until the desk and beside it.

Names and texts are printed, since they are what the work is about; nothing of them is logged.
"""
