"""Files and databases -> rows as text in bounded chunks, the same text whatever carried the value."""
