"""A second, slow calculator of monthly bills, written from the rule book alone.

It shares no code with the product. Property tests tell both the same story and
compare the invoices line by line, to the cent.
"""
