"""A class and an exam: what each student's authlens shows the teacher, and tickets that draw a lesson."""
