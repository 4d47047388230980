"""Referring a person to an agency outside, and never more than they agreed to.

`states` is the table of what may follow what, `gate` what must be so before anything is given,
`fields` what there is to be given. `desk` is what staff do, `own` what the person does, `ending`
what ends with something else: a STOP, a consent taken back, a request withdrawn. What an agency had
got by then it must be asked to delete: `recalls` keeps that, `asking_back` shows it until somebody
did. `unsent` are the questions that still wait to be sent. Nobody here is asked who acts but where
they may: an agency with an account of its own would answer by the same table.
"""
