"""Figures the manuals print, which the platform has to show again."""

ACTIVATION_AS_PUBLISHED = """
内蒙古自治区,83.8%,6557,5498,100.0%,120,120
直属学校,100.0%,2,2,--,--,--
包头市,100.0%,321,321,100.0%,11,11
乌海市,100.0%,104,104,100.0%,4,4
呼伦贝尔市,100.0%,690,690,100.0%,15,15
巴彦淖尔市,100.0%,349,349,100.0%,8,8
兴安盟,100.0%,582,582,100.0%,7,7
锡林郭勒盟,99.5%,211,210,100.0%,14,14
"""
"""As the manual has it; it leaves six cities out, so the rows do not add up to the first."""
